"""Documents in whatever form a program has them: dicts, texts, objects of a library, pairs with a score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import Document
from hilt_autolog.contracts.sdk_objects import fields, float_or_none
from hilt_autolog.log.json_values import to_json_value

if TYPE_CHECKING:
    from collections.abc import Iterable

_IDS = ("id", "document_id", "doc_id", "_id")
_TEXTS = ("text", "snippet", "content", "page_content")
_SCORES = ("score", "relevance_score", "similarity")
_PAIR = 2


def documents_of(retriever: str, found: Iterable[Any] | None) -> list[Document]:
    """Return what was found as documents, in its order; whatever else is known of one is its metadata."""
    each = (found,) if isinstance(found, str | bytes | dict) else found or ()
    return [_document(retriever, one) for one in each if one is not None]


def _document(retriever: str, one: Any) -> Document:
    score = None
    if isinstance(one, tuple) and len(one) == _PAIR and (score := float_or_none(one[1])) is not None:
        one = one[0]
    if isinstance(one, str):
        return Document(retriever, one, score=score)
    known = dict(fields(one))
    metadata = fields(known.pop("metadata", None))
    texts = [text for name in _TEXTS if isinstance(text := known.pop(name, None), str)]
    scores = [
        score,
        *(float_or_none(known.pop(name, None)) for name in _SCORES),
        float_or_none(metadata.get("score")),
    ]
    ids = [known.pop(name, None) for name in _IDS] + [metadata.get("id")]
    identity = next((one for one in ids if one is not None and one != ""), None)
    rest = {name: value for name, value in known.items() if value is not None and not name.startswith("_")}
    return Document(
        retriever,
        next(iter(texts), None),
        None if identity is None else str(identity),
        next((one for one in scores if one is not None), None),
        to_json_value({**rest, **metadata}),
    )
