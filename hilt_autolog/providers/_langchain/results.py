"""What tools and retrievers gave back to LangChain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.framework import Interrupt, ToolOutput
from hilt_autolog.contracts.model import Document, ErrorInfo
from hilt_autolog.contracts.sdk_objects import fields, text_or_none
from hilt_autolog.providers._openai.chat import sequence

from .messages import parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping


_SCORES = ("score", "relevance_score", "similarity_score", "_score", "similarity", "_relevance_score")


def tool_result(output: Any) -> ToolOutput:
    """Read what a tool returned: a ToolMessage, a Command that holds one, or anything else."""
    known = fields(output)
    if "tool_call_id" in known:
        content = known.get("content")
        return ToolOutput(
            text_or_none(known["tool_call_id"]), content if isinstance(content, str) else parts_of(content)
        )
    update = known.get("update")
    for one in sequence(fields(update).get("messages")):
        if "tool_call_id" in fields(one):
            return tool_result(one)
    blocks = sequence(output)
    are_blocks = bool(blocks) and all(isinstance(fields(one).get("type"), str) for one in blocks)
    return ToolOutput(None, parts_of(blocks) if are_blocks else output)


def documents(found: Any, scores: Mapping[int, float]) -> list[Document]:
    """Read what a retriever returned."""
    return [_document(one, scores.get(id(one))) for one in sequence(found)]


def _document(one: Any, score: float | None) -> Document:
    known = fields(one)
    metadata = fields(known.get("metadata"))
    told = (score, *map(metadata.get, _SCORES))
    identity = known.get("id") or metadata.get("id") or metadata.get("_id")
    text = known.get("page_content")
    return Document(
        retriever="",  # its run has the name
        text=text if isinstance(text, str) else None,
        id=None if identity is None else str(identity),
        metadata=metadata,
        score=next((number for number in map(_number, told) if number is not None), None),
    )


def _number(value: Any) -> float | None:
    return float(value) if hasattr(value, "__float__") and not isinstance(value, bool | str) else None


def scores(found: Any) -> dict[int, float]:
    """Read tuples of a document, its score and perhaps its vector, by the documents' identity."""
    pairs = [one[:2] for one in sequence(found) if isinstance(one, tuple) and len(one) > 1]
    return {id(document): number for document, score in pairs if (number := _number(score)) is not None}


_RATE_LIMIT = 429


def failure(error: BaseException) -> ErrorInfo:
    """Read an exception, by what libraries have in common and by the names of its classes."""
    known = fields(error)
    statuses = (known.get("status_code"), known.get("code"), fields(known.get("response")).get("status_code"))
    status = next((one for one in statuses if isinstance(one, int) and one in range(100, 600)), None)
    kind = type(error).__name__
    return ErrorInfo(text=str(error) or kind, type=kind, code=_code(error, status), status=status)


def _code(error: BaseException, status: int | None) -> str:
    family = " ".join(kind.__name__ for kind in type(error).__mro__)
    if not isinstance(error, Exception):
        return "cancelled"
    if status == _RATE_LIMIT or "RateLimit" in family or "Throttling" in family:
        return "rate_limit"
    if "Timeout" in family:
        return "timeout"
    return "connection" if "Connect" in family else "api_error"


def pause(error: BaseException) -> Interrupt | None:
    """Return how LangGraph leaves a run by this exception, if it is no failure."""
    family = {kind.__name__ for kind in type(error).__mro__}
    if "GraphBubbleUp" not in family:
        return None
    if "GraphInterrupt" not in family:  # a command for the graph above, or a request to come to an end
        return Interrupt("completed" if "ParentCommand" in family else "paused")
    return Interrupt("paused", [_question(one) for one in sequence(error.args[0] if error.args else None)])


def _question(interrupt: Any) -> Any:
    known = {name: getattr(interrupt, name, None) for name in ("id", "value")}
    return {name: value for name, value in known.items() if value is not None} or interrupt
