"""The documents that an answer is grounded in: what a search, a file store or a map has found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.facts import Document
from hilt_autolog.foreign import count_or_none, fields, jsonable, text_or_none

from ._contents import at, sequence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# kind of a grounding chunk -> (the retriever, where its words stand, where its id stands; the first wins)
_KINDS = {
    "retrievedContext": ("retrieval", ("text", "title", "uri"), ("documentName", "uri", "title")),
    "web": ("google_search", ("title", "uri"), ("uri",)),
    "maps": ("google_maps", ("text", "title", "uri"), ("placeId", "uri")),
    "image": ("image_search", ("title", "sourceUri"), ("imageUri", "sourceUri")),
}


def documents(grounding: Mapping[str, Any]) -> list[Document]:
    """Return the documents of a candidate's grounding metadata, in the order of the provider."""
    scores = _scores(grounding)
    chunks = map(fields, sequence(at(grounding, "groundingChunks")))
    return [one for index, chunk in enumerate(chunks) for one in _documents(chunk, scores.get(index))]


def _documents(chunk: Mapping[str, Any], score: float | None) -> Iterator[Document]:
    for kind, (retriever, words, names) in _KINDS.items():
        if known := fields(at(chunk, kind)):
            if at(known, "fileSearchStore"):
                retriever = "file_search"  # noqa: PLW2901  a narrower name for it
            yield Document(retriever, _first(known, words), _first(known, names), score, jsonable(known))


def _first(known: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next(filter(None, (text_or_none(at(known, name)) for name in names)), None)


def _scores(grounding: Mapping[str, Any]) -> dict[int, float]:
    """Return the highest confidence with which a chunk, by its number, supports a piece of the answer."""
    scores: dict[int, float] = {}
    for one in map(fields, sequence(at(grounding, "groundingSupports"))):
        indices = map(count_or_none, sequence(at(one, "groundingChunkIndices")))
        for index, score in zip(indices, sequence(at(one, "confidenceScores")), strict=False):
            if index is not None and isinstance(score, int | float):
                scores[index] = max(score, scores.get(index, 0.0))
    return scores
