"""Parse documents in any of the usual forms: dicts, texts, library objects, pairs with a score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.contracts.model import Document
from hilt_autolog.contracts.sdk_objects import fields, float_or_none
from hilt_autolog.log.json_values import to_json_value

if TYPE_CHECKING:
    from collections.abc import Iterable

_ID_KEYS = ("id", "document_id", "doc_id", "_id")
_TEXT_KEYS = ("text", "snippet", "content", "page_content")
_SCORE_KEYS = ("score", "relevance_score", "similarity")
_PAIR = 2


def documents_of(retriever: str, documents: Iterable[object] | None) -> list[Document]:
    """Return documents in their order.

    Args:
        retriever: the name of the tool that searched.
        documents: dicts, texts, objects, or pairs of one of these and a score; or a single one.

    Returns:
        Each with its text, id and score, if these have a usual name; the rest is its metadata.
    """
    is_single = isinstance(documents, str | bytes | dict)
    items = (documents,) if is_single else documents or ()
    return [_document(retriever, item) for item in items if item is not None]


def _document(retriever: str, item: object) -> Document:
    score = None
    if isinstance(item, tuple) and len(item) == _PAIR and (score := float_or_none(item[1])) is not None:
        item = item[0]
    if isinstance(item, str):
        return Document(retriever, item, score=score)
    values = dict(fields(item))
    metadata = fields(values.pop("metadata", None))
    texts = [text for key in _TEXT_KEYS if isinstance(text := values.pop(key, None), str)]
    scores = [score, *(float_or_none(values.pop(key, None)) for key in _SCORE_KEYS)]
    scores.append(float_or_none(metadata.get("score")))
    ids = [*(values.pop(key, None) for key in _ID_KEYS), metadata.get("id")]
    document_id = next((value for value in ids if value is not None and value != ""), None)
    rest = {key: value for key, value in values.items() if value is not None and not key.startswith("_")}
    return Document(
        retriever,
        next(iter(texts), None),
        None if document_id is None else str(document_id),
        next((value for value in scores if value is not None), None),
        to_json_value({**rest, **metadata}),
    )
