"""Find the sources of a log, and read one line by line: yield events and their times, report problems."""

from __future__ import annotations

import glob
import gzip
import importlib
import io
import sys
from datetime import UTC, datetime
from os import SEEK_END
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from hilt_autolog.contracts.types import JsonMapping, JsonObject


ENDINGS = (".hilt.jsonl", ".hilt.jsonl.gz", ".hilt.jsonl.zst")
LONGEST_LINE = 64 * 2**20  # bytes; a longer one is no event of ours, and could fill the memory
DEEPEST = 200  # nested brackets; more exceed the recursion limit of programs that print the event
_BLOCK = 2**16  # bytes
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_BOM = b"\xef\xbb\xbf"
_JSON_SPACE = b" \t\r\n"
_TIME_LENGTH = len("2026-01-31T12:00:00.000000Z")


class Source(NamedTuple):
    """A file to read.

    Attributes:
        name: its path, or "-".
        content: its bytes, if it can be read only once (a pipe); else None.
    """

    name: str
    content: bytes | None = None

    def open(self) -> IO[bytes]:
        """Return the stored bytes, from the beginning."""
        return Path(self.name).open("rb") if self.content is None else io.BytesIO(self.content)

    def is_compressed(self) -> bool:
        """Return whether the bytes are gzip's or zstd's; False if they cannot be read."""
        try:
            with self.open() as stream:
                return is_compressed(stream.read(4))
        except OSError:
            return False


class LocatedEvent(NamedTuple):
    """An event, and the file and line that hold it."""

    event: JsonObject
    file: str
    line: int  # from 1, counted after decompression


class ReadProblem(NamedTuple):
    """Something in a source that could not be read, and was skipped."""

    file: str
    line: int  # from 1, counted after decompression
    reason: str


def find_sources(name: str) -> list[Source]:
    """Return the files that a name refers to: itself, a directory's logs, those of a glob, standard input.

    Raises:
        FileNotFoundError: there are none.
    """
    if name == "-":
        return [Source(name, sys.stdin.buffer.read())]
    path = Path(name).expanduser()
    if path.exists():
        return _sources_at(path)
    matches = sorted(glob.glob(str(path), recursive=True))
    if not matches:
        raise FileNotFoundError(f"no such log: {name}")
    return [source for match in matches for source in _sources_at(Path(match))]


def _sources_at(path: Path) -> list[Source]:
    if path.is_dir():
        return [Source(str(p)) for p in sorted(path.rglob("*")) if p.name.endswith(ENDINGS) and p.is_file()]
    if path.exists() and not path.is_file():
        return [Source(str(path), path.read_bytes())]
    return [Source(str(path))]


def events(
    source: Source, report: Callable[[ReadProblem], None], may_matter: Callable[[bytes], bool] | None = None
) -> Generator[LocatedEvent]:
    """Yield the events of a source in the order of its lines.

    Args:
        source: plain, gzip or zstd, as its first bytes say (not its name).
        report: called with each problem. Nothing is raised: a file that is damaged, has vanished or may not
            be read ends here, and the caller's other files are still read.
        may_matter: whether a line is decoded at all; every line is, if None.
    """
    number = 0
    try:
        with source.open() as stored:
            for number, line in enumerate(split_lines(_decompress(stored)), 1):
                if may_matter is not None and line is not None and not may_matter(line):
                    continue
                if (located := locate_event(line, source.name, number, report)) is not None:
                    yield located
    except Exception as error:
        report(ReadProblem(source.name, number + 1, f"unreadable from here: {error or type(error).__name__}"))


def locate_event(
    line: bytes | None, file: str, number: int, report: Callable[[ReadProblem], None]
) -> LocatedEvent | None:
    """Return the event of a line (None: it is too long); report a line that has none and is not blank."""
    event = decode_line(line)
    if isinstance(event, str):
        report(ReadProblem(file, number, event))
    return LocatedEvent(event, file, number) if isinstance(event, dict) else None


def located_time(located: LocatedEvent) -> str:
    """Return an event's time as text that sorts; see `sortable_time`."""
    return sortable_time(located.event)


def sortable_time(event: JsonMapping) -> str:
    """Return an event's time as text that sorts; "" without a valid time, so that it stays where it is."""
    text = event.get("timestamp")
    if not isinstance(text, str):
        return ""
    if len(text) == _TIME_LENGTH and text.endswith("Z"):
        return text
    try:
        time = datetime.fromisoformat(text)
        return format_time(time.replace(tzinfo=time.tzinfo or UTC))
    except (ValueError, OverflowError):
        return ""


def format_time(time: datetime) -> str:
    """Return a time with a time zone in the notation of our own events: UTC, microseconds, `Z`."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def is_compressed(head: bytes) -> bool:
    """Return whether a file that begins with these (four) bytes is gzip or zstd."""
    return head.startswith((_GZIP, _ZSTD))


def _decompress(stored: IO[bytes]) -> IO[bytes]:
    head = stored.read(4)
    stored.seek(0)
    if not is_compressed(head):
        return stored
    open_archive: Any = gzip.open if head.startswith(_GZIP) else _zstd().open
    archive: IO[bytes] = open_archive(stored)
    return archive


def _zstd() -> Any:
    """Return a module for zstd: Any, because either may be missing."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError("a .zst file needs Python 3.14 or the package backports.zstd")


def split_lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    r"""Yield lines, ended by `\n` and nothing else; None in place of one that is too long."""
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) <= LONGEST_LINE or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(_BLOCK)
        yield None


def is_readable(line: bytes) -> bool:
    """Return whether a line of JSON is nested no deeper than a reader accepts."""
    is_flat = line.count(b"{") + line.count(b"[") <= DEEPEST
    return is_flat or isinstance(decode_line(line), dict)


def decode_line(line: bytes | None) -> JsonObject | str | None:
    """Return the event of a line, the reason why it holds none, or None for a blank line.

    Args:
        line: the line, or None for one that was too long to be read.
    """
    if line is None:
        return f"longer than {LONGEST_LINE >> 20} MiB"
    line = line.removeprefix(_BOM)
    if not line or line.isspace():
        return None
    try:
        event = orjson.loads(line)
    except ValueError as error:
        if (event := _parse_stripped(line)) is None:
            return _syntax_problem(line, error)
    if not isinstance(event, dict):
        return "not an object"
    if _is_too_deep(event, line):
        return f"nested deeper than {DEEPEST}"
    return event


def _parse_stripped(line: bytes) -> object:
    """Return the JSON between vertical tabs and form feeds, which DuckDB ignores; None if there is none."""
    stripped = line.strip()
    if stripped == line.strip(_JSON_SPACE):
        return None
    try:
        return orjson.loads(stripped)
    except ValueError:
        return None


def _syntax_problem(line: bytes, error: ValueError) -> str:
    """Return why a line is not JSON."""
    if not line.endswith(b"\n"):
        return "torn: the file ends within this line"
    try:
        line.decode()
    except UnicodeDecodeError as decode_error:
        return f"not UTF-8 at byte {decode_error.start + 1}"
    return f"not JSON: {error}"


def _is_too_deep(event: JsonObject, line: bytes) -> bool:
    if line.count(b"{") + line.count(b"[") <= DEEPEST:
        return False
    level: list[JsonObject | list[object]] = [event]
    for _ in range(DEEPEST):
        children = (node.values() if isinstance(node, dict) else node for node in level)
        level = [child for nodes in children for child in nodes if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def newest_first(source: Source, report: Callable[[ReadProblem], None]) -> Iterator[JsonObject]:
    """Yield the events of a source that is not compressed, the last one first.

    Args:
        source: the file; a compressed one cannot be read from its end, see `Source.is_compressed`.
        report: called with each problem. Lines are counted from the end, so that the last line is -1.
    """
    try:
        with source.open() as stream:
            for number, line in enumerate(lines_from_end(stream), 1):
                event = decode_line(line)
                if isinstance(event, str):
                    report(ReadProblem(source.name, -number, event))
                elif event is not None:
                    yield event
    except OSError as error:
        report(ReadProblem(source.name, 1, f"unreadable from here: {error}"))


def lines_from_end(stream: IO[bytes]) -> Iterator[bytes | None]:
    r"""Yield the lines of a file, the last one first; None in place of one that is too long.

    A line ends with its `\n`, unless it is the last one and has none.
    """
    offset = stream.seek(0, SEEK_END)
    pieces: list[bytes] = []  # of a line whose beginning is not read yet, the last piece first
    end = b""  # the line break that the next line ends with
    while offset:
        size = min(_BLOCK, offset)
        offset -= size
        stream.seek(offset)
        first, *others = stream.read(size).split(b"\n")
        for text in reversed(others):
            if pieces or text or end:
                yield _join([*pieces, text], end)
            pieces, end = [], b"\n"
        if sum(map(len, pieces)) <= LONGEST_LINE:
            pieces.append(first)
    if pieces:
        yield _join(pieces, end)


def _join(pieces: list[bytes], end: bytes) -> bytes | None:
    if sum(map(len, pieces)) > LONGEST_LINE:
        return None
    return b"".join(reversed(pieces)) + end
