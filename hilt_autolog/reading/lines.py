"""One source of a log, line by line: what is an event is handed on, what is not is reported."""

from __future__ import annotations

import gzip
import importlib
import io
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

LONGEST_LINE = 64 * 2**20  # bytes; a longer one is no event of ours, and could fill the memory
DEEPEST = 200  # brackets within brackets; more break the recursion of whoever prints the event
_BLOCK = 2**16
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_BOM = b"\xef\xbb\xbf"


class Source(NamedTuple):
    """A file to read; one that can be read only once (a pipe) brings its content along."""

    name: str
    content: bytes | None = None

    def open(self) -> IO[bytes]:
        """Return the bytes as they are stored, from the beginning."""
        return Path(self.name).open("rb") if self.content is None else io.BytesIO(self.content)

    def is_compressed(self) -> bool:
        """Return whether the bytes are gzip's or zstd's; False, if they cannot be read."""
        try:
            with self.open() as stored:
                return is_compressed(stored.read(4))
        except OSError:
            return False


class LocatedEvent(NamedTuple):
    """An event, and where it stands."""

    event: dict[str, Any]
    file: str
    line: int  # from 1, counted after decompression


class ReadProblem(NamedTuple):
    """Something in a source that could not be read, and was passed over."""

    file: str
    line: int  # from 1, counted after decompression
    reason: str


def events(
    source: Source, report: Callable[[ReadProblem], None], may_matter: Callable[[bytes], bool] | None = None
) -> Generator[LocatedEvent]:
    """Yield the events of a source in the order of its lines.

    Args:
        source: Plain, gzip or zstd; told by the first bytes, not by the name.
        report: Takes what could not be read. Nothing is raised: a file that is damaged, vanished or
            closed to us ends here, and the caller's other files are still read.
        may_matter: Whether a line is read at all; each is, if None.
    """
    number = 0
    try:
        with source.open() as stored:
            for number, line in enumerate(split_lines(_decompressed(stored)), 1):
                if may_matter is not None and line is not None and not may_matter(line):
                    continue
                if (found := locate_event(line, source.name, number, report)) is not None:
                    yield found
    except Exception as error:
        report(ReadProblem(source.name, number + 1, f"unreadable from here: {error or type(error).__name__}"))


def locate_event(
    line: bytes | None, file: str, number: int, report: Callable[[ReadProblem], None]
) -> LocatedEvent | None:
    """Return the event of a line (None: it is too long); report a line with none that is not blank."""
    found = decode_line(line)
    if isinstance(found, str):
        report(ReadProblem(file, number, found))
    return LocatedEvent(found, file, number) if isinstance(found, dict) else None


def is_compressed(head: bytes) -> bool:
    """Whether a file that begins with these (four) bytes is gzip or zstd."""
    return head.startswith((_GZIP, _ZSTD))


def _decompressed(stored: IO[bytes]) -> IO[bytes]:
    head = stored.read(4)
    stored.seek(0)
    if not is_compressed(head):
        return stored
    opening: Any = gzip.open if head.startswith(_GZIP) else _zstd().open
    opened: IO[bytes] = opening(stored)
    return opened


def _zstd() -> Any:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError("a .zst file needs Python 3.14 or the package backports.zstd")


def split_lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    r"""Yield lines as `\n` ends them and nothing else does; None in place of one that is too long."""
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) <= LONGEST_LINE or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(_BLOCK)
        yield None


def is_readable(line: bytes) -> bool:
    """Whether a reader takes a line that JSON was written to, as far as its depth goes."""
    is_flat = line.count(b"{") + line.count(b"[") <= DEEPEST
    return is_flat or isinstance(decode_line(line), dict)


def decode_line(line: bytes | None) -> dict[str, Any] | str | None:
    """Return the event that a line holds, the reason why it holds none, or None for a blank line."""
    if line is None:
        return f"longer than {LONGEST_LINE >> 20} MiB"
    line = line.removeprefix(_BOM)
    if not line or line.isspace():
        return None
    try:
        event = orjson.loads(line)
    except ValueError as error:
        return _why_not_json(line, error)
    if not isinstance(event, dict):
        return "not an object"
    if _is_too_deep(event, line):
        return f"nested deeper than {DEEPEST}"
    return event


def _why_not_json(line: bytes, error: ValueError) -> str:
    if not line.endswith(b"\n"):
        return "torn: the file ends within this line"
    try:
        line.decode()
    except UnicodeDecodeError as broken:
        return f"not UTF-8 at byte {broken.start + 1}"
    return f"not JSON: {error}"


def _is_too_deep(event: dict[str, Any], line: bytes) -> bool:
    if line.count(b"{") + line.count(b"[") <= DEEPEST:
        return False
    level: list[Any] = [event]
    for _ in range(DEEPEST):
        inner = (node.values() if isinstance(node, dict) else node for node in level)
        level = [child for nodes in inner for child in nodes if isinstance(child, dict | list)]
        if not level:
            return False
    return True
