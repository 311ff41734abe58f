"""Bytes in requests and responses: identified by hash and size, never written into an event.

A provider puts bytes into a `blob` part under `data`, as bytes or as base64 text. Before an event is written,
the recorder has `MediaRedactor` replace `data` by `sha256` and `bytes`, and store the content if it has a
folder.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import mimetypes
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .types import Message, Part

_CACHE_SIZE = 256  # descriptions to keep: a conversation repeats its images with every request
_MIN_BASE64_LENGTH = 8192  # no URL is this long: some servers take bare base64 where a URL is expected
_SIGNATURES = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)


# --- parts that refer to media


def blob_part(modality: str, mime_type: str | None, data: object) -> Part:
    """Return a `blob` part.

    Args:
        modality: image, audio, video or document.
        mime_type: the media type; None: `MediaRedactor` detects it from the first bytes.
        data: the bytes, or base64 text; a value of another type is left out.
    """
    part: Part = {"type": "blob", "modality": modality}
    if mime_type:
        part["mime_type"] = mime_type
    if isinstance(data, str | bytes):
        part["data"] = data
    return part


def url_part(modality: str, url: object) -> Part:
    """Return a `blob` part for a `data:` URL (or bare base64), a `uri` part for any other URL."""
    if not isinstance(url, str):
        return {"type": "uri", "modality": modality}
    header, comma, data = url.partition(",") if url.startswith("data:") else ("", "", url)
    if not comma:
        return (
            {"type": "uri", "modality": modality, "uri": url}
            if len(url) < _MIN_BASE64_LENGTH
            else blob_part(modality, None, url)
        )
    mime_type = header[len("data:") :].partition(";")[0]
    return blob_part(_modality(mime_type, modality), mime_type or None, data)


def _modality(mime_type: str, default: str) -> str:
    major_type = mime_type.partition("/")[0]
    return major_type if major_type in ("image", "audio", "video") else default


def upload_part(modality: str, file: object) -> Part:
    """Return a `blob` part for a file to upload; no file object is read from, moved or closed.

    Args:
        modality: image, audio, video or document.
        file: what the SDKs accept: bytes, a path, an open file, or a tuple (name, content, type, ...).
    """
    name = mime_type = None
    if isinstance(file, tuple) and len(file) > 1:
        name, file, mime_type = (*file[:3], None)[:3]
    content = _file_content(file)
    if name is None and isinstance(file, io.BufferedReader | io.FileIO) and isinstance(file.name, str):
        name = file.name
    elif name is None and isinstance(file, os.PathLike):
        name = os.fspath(file)
    if isinstance(name, str):
        mime_type = mime_type or mimetypes.guess_type(name)[0]
    part = blob_part(modality, mime_type if isinstance(mime_type, str) else None, content)
    return part | ({"name": os.path.basename(name)} if isinstance(name, str) else {})


def _file_content(file: object) -> bytes | None:
    """Return the content of a file if it can be read without moving the file's position."""
    if isinstance(file, bytes):
        return file
    if type(file) is io.BytesIO:
        return file.getvalue()
    if isinstance(file, io.BufferedReader | io.FileIO) and type(file) in (io.BufferedReader, io.FileIO):
        return b"".join(_blocks(file.fileno()))
    return None


def _blocks(descriptor: int) -> Iterator[bytes]:
    offset = 0
    while block := os.pread(descriptor, 1 << 20, offset):
        yield block
        offset += len(block)


class StreamedMedia:
    """Bytes that arrive in pieces: hashed and counted, not kept."""

    __slots__ = ("_digest", "size")

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.size = 0

    def add(self, piece: object) -> None:
        """Add the next piece, bytes or base64 text; ignore a value of another type."""
        if isinstance(piece, str | bytes):
            content = _decode(piece)
            self._digest.update(content)
            self.size += len(content)

    def part(self, modality: str, mime_type: str | None) -> Part:
        """Return all pieces up to here as a `blob` part."""
        return blob_part(modality, mime_type, None) | {"sha256": self._digest.hexdigest(), "bytes": self.size}


# --- redaction


class MediaRedactor:
    """Replace the bytes in parts by their hash and size.

    Args:
        folder: returns the folder in which contents are stored, each once, as `<sha256>.<ext>`;
            None: store none.
    """

    def __init__(self, folder: Callable[[], str] | None) -> None:
        self._folder = folder
        self._cache: dict[tuple[int, int], Part] = {}  # by length and hash of the data

    def redact(self, messages: Sequence[Message]) -> bool:
        """Replace the bytes in every part, also in the parts of tool results.

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
                    self._redact_part(part)
                elif isinstance(response := part.get("response"), list):
                    self.redact([{"parts": response}])
        return is_text

    def _redact_part(self, part: Part) -> None:
        data = part.pop("data")
        if not isinstance(data, str | bytes):
            return
        key = (len(data), hash(data))
        description = self._cache.get(key)
        if description is None:
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            description = self._cache[key] = self._describe(_decode(data), part.get("mime_type"))
        part.update(description)

    def _describe(self, content: bytes, mime_type: str | None) -> Part:
        """Return the keys that replace `data` in a part, and store the content."""
        description: Part = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        mime_type = mime_type or _detect_mime_type(content)
        if mime_type:
            description["mime_type"] = mime_type
        if self._folder is not None:
            name = description["sha256"] + (mimetypes.guess_extension(mime_type or "") or ".bin")
            with contextlib.suppress(OSError):  # on a full disk the copy is lost, but not the call's events
                _store(self._folder(), name, content)
        return description


def _decode(data: str | bytes) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        return data.encode("utf-8", "surrogatepass")


def _detect_mime_type(content: bytes) -> str | None:
    if content[:4] == b"RIFF":
        return {b"WAVE": "audio/wav", b"WEBP": "image/webp"}.get(content[8:12])
    return next((mime_type for signature, mime_type in _SIGNATURES if content.startswith(signature)), None)


def _store(folder: str, name: str, content: bytes) -> None:
    """Write a content once, by a rename: another process never sees half of it."""
    path = os.path.join(folder, name)
    if os.path.exists(path):
        return
    os.makedirs(folder, mode=0o700, exist_ok=True)
    partial = f"{path}.{os.getpid()}.{id(content)}"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(partial, path)
    except OSError:
        os.unlink(partial)
        raise
