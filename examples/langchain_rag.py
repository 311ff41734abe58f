"""Answers from documents, with LangChain, and the log of it: the question, what was found, the answer.

    hilt-run python examples/langchain_rag.py    nothing in here is needed for that
    python examples/langchain_rag.py             then `enable()` switches the log on

It needs langchain-openai. With OPENAI_API_KEY in the environment it asks OpenAI, without it the offline
provider next to it.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough
from langchain_openai import ChatOpenAI
from offline.table import now, show_log
from offline_provider import OfflineProvider

import hilt_autolog

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "gpt-4o-mini"
BOOKS = {
    "recorders": "A flight recorder keeps what happened, so that people can learn from it.",
    "colours": "Flight recorders are painted orange, so that they are found in the wreckage.",
    "weather": "A barometer falls before the rain comes.",
}
PROMPT = ChatPromptTemplate.from_messages(
    [("system", "Answer from these: {context}"), ("user", "{question}")]
)


class Library(BaseRetriever):
    """Finds the texts that share the most words with a question."""

    most: int = 2

    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        asked = words(query)
        found = [
            Document(id=name, page_content=text, metadata={"score": shared(asked, words(text))})
            for name, text in BOOKS.items()
        ]
        return sorted(found, key=lambda one: -one.metadata["score"])[: self.most]


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(re.findall(r"\w+", text.lower()))


def shared(one: set[str], other: set[str]) -> float:
    """Return how much two sets of words have in common, from 0 to 1."""
    return round(len(one & other) / len(one | other), 3)


def joined(documents: list[Document]) -> str:
    """Return documents as one text."""
    return " ".join(document.page_content for document in documents)


def main() -> None:
    """Ask two questions, the second with the answer printed while it comes; then show the log of it."""
    began = now()
    hilt_autolog.enable()  # under hilt-run it is on already, and this does nothing
    with chat_model() as model:
        found = {"context": Library() | joined, "question": RunnablePassthrough()}
        chain = (found | PROMPT | model | StrOutputParser()).with_config(run_name="library")
        config: Any = {"metadata": {"session_id": "reader-7"}}
        print("> What is a flight recorder?")
        print(chain.invoke("What is a flight recorder?", config))
        print("> Which colour are recorders painted?")
        for piece in chain.stream("Which colour are recorders painted?", config):
            print(piece, end="", flush=True)
        print()
    show_log(began)


@contextmanager
def chat_model() -> Iterator[ChatOpenAI]:
    """Give a model of OpenAI where there is a key for it, else of the offline provider."""
    if os.environ.get("OPENAI_API_KEY"):
        yield ChatOpenAI(model=MODEL, stream_usage=True)
        return
    with OfflineProvider() as provider:
        yield ChatOpenAI(model=MODEL, api_key="offline", base_url=provider.base_url, stream_usage=True)


if __name__ == "__main__":
    main()
