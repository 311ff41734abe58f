"""Answers from documents with LangChain (RAG), and the log of it: question, documents, answer.

    hilt-run python examples/langchain_rag.py    needs no change of the code
    python examples/langchain_rag.py             `enable()` switches the log on

It needs langchain-openai. With OPENAI_API_KEY in the environment it calls OpenAI, without it a local server
(`offline_provider.py`).
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
    """A retriever of the texts that share the most words with a question."""

    k: int = 2

    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        query_words = words(query)
        documents = [
            Document(id=name, page_content=text, metadata={"score": similarity(query_words, words(text))})
            for name, text in BOOKS.items()
        ]
        return sorted(documents, key=lambda document: -document.metadata["score"])[: self.k]


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(re.findall(r"\w+", text.lower()))


def similarity(left: set[str], right: set[str]) -> float:
    """Return the Jaccard similarity of two sets of words, from 0 to 1."""
    return round(len(left & right) / len(left | right), 3)


def join(documents: list[Document]) -> str:
    """Return documents as one text."""
    return " ".join(document.page_content for document in documents)


def main() -> None:
    """Ask two questions, the second as a stream; then print the log of them."""
    start = now()
    hilt_autolog.enable()  # under hilt-run it is on already, and this does nothing
    with chat_model() as model:
        inputs = {"context": Library() | join, "question": RunnablePassthrough()}
        chain = (inputs | PROMPT | model | StrOutputParser()).with_config(run_name="library")
        config: Any = {"metadata": {"session_id": "reader-7"}}
        print("> What is a flight recorder?")
        print(chain.invoke("What is a flight recorder?", config))
        print("> Which colour are recorders painted?")
        for piece in chain.stream("Which colour are recorders painted?", config):
            print(piece, end="", flush=True)
        print()
    show_log(start)


@contextmanager
def chat_model() -> Iterator[ChatOpenAI]:
    """Yield a model of OpenAI if there is a key, else of the local server."""
    if os.environ.get("OPENAI_API_KEY"):
        yield ChatOpenAI(model=MODEL, stream_usage=True)
        return
    with OfflineProvider() as provider:
        yield ChatOpenAI(model=MODEL, api_key="offline", base_url=provider.base_url, stream_usage=True)


if __name__ == "__main__":
    main()
