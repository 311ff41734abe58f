"""HILT's helpers for OpenAI: a completion, a stream, an answer from documents; then the events, and a CSV.

    python examples/openai_integration.py

With OPENAI_API_KEY in the environment it calls OpenAI, without it a local server
(`offline_provider.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from offline.table import show
from quickstart import openai_client

from hilt_autolog.converters.csv import convert_to_csv
from hilt_autolog.integrations.openai import log_chat_completion, log_chat_streaming, log_rag_interaction
from hilt_autolog.io.session import Session

if TYPE_CHECKING:
    from openai import OpenAI

LOG, CSV = "logs/openai.hilt.jsonl", "logs/openai.csv"
BOOKS = {
    "recorders": "A flight recorder keeps what happened, so that people can learn from it.",
    "colours": "Flight recorders are painted orange, so that they are found in the wreckage.",
    "weather": "A barometer falls before the rain comes.",
}


def main() -> None:
    """Have three conversations in one log, and print it."""
    with openai_client() as client, Session(LOG, mode="w") as session:
        ask(client, session, "What is a flight recorder?")
        ask_streaming(client, session, "Now count to 5, please.")
        answer_from_books(client, session, "Which colour are flight recorders painted?")

    print(f"\n{LOG}\n")
    show(event.to_dict() for event in Session(LOG, mode="r").read())
    print(f"\n{convert_to_csv(LOG, CSV)} events -> {CSV}")


def ask(client: OpenAI, session: Session, question: str) -> None:
    """Ask, and print the answer."""
    print(f"> {question}")
    completion = log_chat_completion(
        session, client=client, user_message=question, session_id="demo-chat", temperature=0.2
    )
    print(completion.choices[0].message.content)


def ask_streaming(client: OpenAI, session: Session, question: str) -> None:
    """Ask, and print the answer as it arrives."""
    print(f"> {question}")
    log_chat_streaming(
        session, client=client, user_message=question, session_id="demo-stream", on_delta=print_delta
    )
    print()


def print_delta(text: str) -> None:
    """Print a piece of an answer."""
    print(text, end="", flush=True)


def answer_from_books(client: OpenAI, session: Session, question: str) -> None:
    """Search the books, answer from the documents, and log both as one call."""
    print(f"> {question}")
    documents = search(question)
    context = " ".join(document["text"] for document in documents)
    completion = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "system", "content": context}, {"role": "user", "content": question}],
    )
    answer = completion.choices[0].message.content
    print(answer)
    log_rag_interaction(
        session,
        user_message=question,
        answer=answer,
        retrieved_documents=documents,
        session_id="demo-rag",
        answer_metrics={"tokens": completion.usage},
    )


def search(question: str, limit: int = 2) -> list[dict[str, Any]]:
    """Return the books that share the most words with a question."""
    question_words = set(re.findall(r"\w+", question.lower()))
    documents = []
    for name, text in BOOKS.items():
        words = set(re.findall(r"\w+", text.lower()))
        score = round(len(question_words & words) / len(question_words), 3)
        documents.append({"id": name, "text": text, "score": score})
    return sorted(documents, key=lambda document: -document["score"])[:limit]


if __name__ == "__main__":
    main()
