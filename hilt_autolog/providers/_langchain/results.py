"""The results of LangChain's tools and retrievers, and exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.framework import Interrupt, ToolOutput
from hilt_autolog.contracts.model import Document, ErrorInfo
from hilt_autolog.contracts.sdk_objects import fields, list_or_empty, text_or_none

from .messages import parse_content

if TYPE_CHECKING:
    from collections.abc import Mapping


# Where vector stores and rerankers put a score in a document's metadata: LangChain has no standard key.
_SCORES = ("score", "relevance_score", "similarity_score", "_score", "similarity", "_relevance_score")
_RATE_LIMIT = 429


# --- tools


def parse_tool_output(output: object) -> ToolOutput:
    """Parse the return value of a tool: a `ToolMessage`, a `Command` that holds one, or anything else."""
    source = fields(output)
    if "tool_call_id" in source:
        content = source.get("content")
        return ToolOutput(
            text_or_none(source["tool_call_id"]),
            content if isinstance(content, str) else parse_content(content),
        )
    update = source.get("update")
    for item in list_or_empty(fields(update).get("messages")):
        if "tool_call_id" in fields(item):
            return parse_tool_output(item)
    blocks = list_or_empty(output)
    are_blocks = bool(blocks) and all(isinstance(fields(block).get("type"), str) for block in blocks)
    return ToolOutput(None, parse_content(blocks) if are_blocks else output)


# --- retrievers


def parse_documents(result: object, scores: Mapping[int, float]) -> list[Document]:
    """Parse the return value of a retriever.

    Args:
        result: the documents.
        scores: the scores that searches within it have returned, by the `id()` of the document.
    """
    return [_document(item, scores.get(id(item))) for item in list_or_empty(result)]


def _document(item: object, score: float | None) -> Document:
    source = fields(item)
    metadata = fields(source.get("metadata"))
    scores = (score, *map(metadata.get, _SCORES))
    document_id = source.get("id") or metadata.get("id") or metadata.get("_id")
    text = source.get("page_content")
    return Document(
        retriever="",  # its run has the name
        text=text if isinstance(text, str) else None,
        id=None if document_id is None else str(document_id),
        metadata=metadata,
        score=next((number for number in map(_number, scores) if number is not None), None),
    )


def _number(value: object) -> float | None:
    """Return a number of any library, numpy's among them, as a float."""
    return float(value) if hasattr(value, "__float__") and not isinstance(value, bool | str) else None


def parse_scores(result: object) -> dict[int, float]:
    """Parse tuples of a document, its score and perhaps its vector; return the scores by `id(document)`."""
    pairs = [item[:2] for item in list_or_empty(result) if isinstance(item, tuple) and len(item) > 1]
    return {id(document): number for document, score in pairs if (number := _number(score)) is not None}


# --- exceptions


def parse_error(error: BaseException) -> ErrorInfo:
    """Parse an exception of any library, by common attributes and by the names of its classes."""
    source = fields(error)
    http_status = fields(source.get("response")).get("status_code")
    statuses = (source.get("status_code"), source.get("code"), http_status)
    status = next((value for value in statuses if isinstance(value, int) and value in range(100, 600)), None)
    name = type(error).__name__
    return ErrorInfo(text=str(error) or name, type=name, code=_code(error, status), status=status)


def _code(error: BaseException, status: int | None) -> str:
    names = " ".join(cls.__name__ for cls in type(error).__mro__)
    if not isinstance(error, Exception):
        return "cancelled"
    if status == _RATE_LIMIT or "RateLimit" in names or "Throttling" in names:
        return "rate_limit"
    if "Timeout" in names:
        return "timeout"
    return "connection" if "Connect" in names else "api_error"


def parse_interrupt(error: BaseException) -> Interrupt | None:
    """Return how an exception of LangGraph ends a run on purpose; None for a failure.

    langgraph 1.2 errors.py: `GraphBubbleUp` is the base of `GraphInterrupt` (wait for a human), of
    `ParentCommand` (go on in the graph above) and of `GraphDrained` (stop, to be resumed).
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    if "GraphBubbleUp" not in names:
        return None
    if "GraphInterrupt" not in names:
        return Interrupt("completed" if "ParentCommand" in names else "paused")
    interrupts = list_or_empty(error.args[0] if error.args else None)
    return Interrupt("paused", [_interrupt_value(interrupt) for interrupt in interrupts])


def _interrupt_value(interrupt: object) -> object:
    # langgraph 1.2 types.py: `Interrupt` has slots, and so no `__dict__` to read
    source = {name: getattr(interrupt, name, None) for name in ("id", "value")}
    return {name: value for name, value in source.items() if value is not None} or interrupt
