"""Bytes that pass by in calls: described by hash and size, never written into a line.

A provider puts what it finds into a `blob` part under `data`, as bytes or as base64 text. The recorder
has `MediaRedactor` replace that by `sha256` and `bytes`, and store the content where that is asked for.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import mimetypes
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .model import Message, Part

_KNOWN = 256  # descriptions remembered: a conversation repeats its images with every turn
_SIGNATURES = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)


def blob(modality: str, mime_type: str | None, data: Any) -> Part:
    """Return bytes (or base64 text) as a part; the type is looked up in the bytes when it is not given."""
    part: Part = {"type": "blob", "modality": modality}
    if mime_type:
        part["mime_type"] = mime_type
    if isinstance(data, str | bytes):
        part["data"] = data
    return part


def from_url(modality: str, url: Any) -> Part:
    """Return what a URL refers to: a `data:` URL holds the bytes, any other stays a `uri` part."""
    if not isinstance(url, str):
        return {"type": "uri", "modality": modality}
    head, comma, data = url.partition(",") if url.startswith("data:") else ("", "", url)
    if not comma:
        return (
            {"type": "uri", "modality": modality, "uri": url}
            if len(url) < _LONG
            else blob(modality, None, url)
        )
    mime_type = head[len("data:") :].partition(";")[0]
    return blob(_modality(mime_type, modality), mime_type or None, data)


_LONG = 8192  # no URL is this long: some servers take bare base64 where a URL is expected


def _modality(mime_type: str, otherwise: str) -> str:
    kind = mime_type.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else otherwise


def upload(modality: str, given: Any) -> Part:
    """Describe an upload without disturbing it: no file is read from, moved or closed.

    `given` is what the SDKs accept: bytes, a path, an open file, or a tuple (name, content, type ...).
    """
    name = mime_type = None
    if isinstance(given, tuple) and len(given) > 1:
        name, given, mime_type = (*given[:3], None)[:3]
    content = _content(given)
    if name is None and isinstance(given, io.BufferedReader | io.FileIO) and isinstance(given.name, str):
        name = given.name
    elif name is None and isinstance(given, os.PathLike):
        name = os.fspath(given)
    if isinstance(name, str):
        mime_type = mime_type or mimetypes.guess_type(name)[0]
    part = blob(modality, mime_type if isinstance(mime_type, str) else None, content)
    return part | ({"name": os.path.basename(name)} if isinstance(name, str) else {})


def _content(given: Any) -> bytes | None:
    """Return the content of an upload where it can be had without moving the file's position."""
    if isinstance(given, bytes):
        return given
    if type(given) is io.BytesIO:
        return given.getvalue()
    if type(given) in (io.BufferedReader, io.FileIO):
        return b"".join(_blocks(given.fileno()))
    return None


def _blocks(descriptor: int) -> Iterator[bytes]:
    offset = 0
    while block := os.pread(descriptor, 1 << 20, offset):
        yield block
        offset += len(block)


class StreamedMedia:
    """Bytes that come in pieces, described without being held."""

    __slots__ = ("_digest", "size")

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.size = 0

    def add(self, piece: Any) -> None:
        """Take the next piece, bytes or base64 text."""
        if isinstance(piece, str | bytes):
            content = _decoded(piece)
            self._digest.update(content)
            self.size += len(content)

    def part(self, modality: str, mime_type: str | None) -> Part:
        """Return what has come as a part."""
        return blob(modality, mime_type, None) | {"sha256": self._digest.hexdigest(), "bytes": self.size}


class MediaRedactor:
    """Replaces the bytes in parts by what identifies them.

    Args:
        folder: gives the place where contents are stored, each once, as `<sha256>.<ext>`; None stores none.
    """

    def __init__(self, folder: Callable[[], str] | None) -> None:
        self._folder = folder
        self._known: dict[tuple[int, int], dict[str, Any]] = {}

    def describe(self, messages: Sequence[Message]) -> bool:
        """Describe every part that holds bytes, also those inside of tool results.

        Returns:
            Whether there was nothing but text.
        """
        is_text = True
        for message in messages:
            for part in message["parts"]:
                if len(part) == 2 and part["type"] == "text":  # noqa: PLR2004  the type and the content
                    continue
                is_text = False
                if "data" in part:
                    self._part(part)
                elif isinstance(part.get("response"), list):
                    self.describe([{"parts": part["response"]}])
        return is_text

    def _part(self, part: Part) -> None:
        data = part.pop("data")
        if not isinstance(data, str | bytes):
            return
        key = (len(data), hash(data))
        facts = self._known.get(key)
        if facts is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            facts = self._known[key] = self._facts(_decoded(data), part.get("mime_type"))
        part.update(facts)

    def _facts(self, content: bytes, mime_type: str | None) -> dict[str, Any]:
        facts: dict[str, Any] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        mime_type = mime_type or _sniffed(content)
        if mime_type:
            facts["mime_type"] = mime_type
        if self._folder is not None:
            name = facts["sha256"] + (mimetypes.guess_extension(mime_type or "") or ".bin")
            with contextlib.suppress(OSError):  # a full disk costs the copy, not the call's events
                _store(self._folder(), name, content)
        return facts


def _decoded(data: str | bytes) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        return data.encode("utf-8", "surrogatepass")


def _sniffed(content: bytes) -> str | None:
    if content[:4] == b"RIFF":
        return {b"WAVE": "audio/wav", b"WEBP": "image/webp"}.get(content[8:12])
    return next((kind for signature, kind in _SIGNATURES if content.startswith(signature)), None)


def _store(folder: str, name: str, content: bytes) -> None:
    """Write a content once; a reader never sees half of it."""
    target = os.path.join(folder, name)
    if os.path.exists(target):
        return
    os.makedirs(folder, mode=0o700, exist_ok=True)
    partial = f"{target}.{os.getpid()}.{id(content)}"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(partial, target)
    except OSError:
        os.unlink(partial)
        raise
