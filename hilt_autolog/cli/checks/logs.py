"""The log: whether it can be written where it would go, and what the newest ones say of themselves."""

from __future__ import annotations

import glob
import json
import os
import re
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.clock import random_hex
from hilt_autolog.log import append_file, file_opening
from hilt_autolog.log.backoff import describe_error
from hilt_autolog.log.file_names import fill_template, is_generated
from hilt_autolog.log.safe_directory import UnsafePathError
from hilt_autolog.log.syscalls import Syscalls

from . import Finding, ok, problem, warning
from .settings import effective

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEWEST = 5
_HINTS = {"ELOOP": " (a symbolic link, which is not followed)", "ENXIO": " (a pipe)"}


# --- to be written


def place() -> Iterator[Finding]:
    """Try to open a log as the writer would, and leave nothing of it behind."""
    template = _absolute(effective().path)
    try:
        _try(template)
    except (UnsafePathError, OSError, append_file.LogFileLost) as error:
        reason, description = describe_error(error)  # as in status().trouble
        why = f"{description}{_HINTS.get(reason, '')}"
        yield problem(f"{template} cannot be written: {why}", path=template, reason=reason)
    else:
        yield ok(f"{template} can be written", path=template)


def _absolute(template: str) -> str:
    """Return the whole path, unless the current folder has been removed: a relative path fails then."""
    path: str = Syscalls.expanduser(template)
    try:
        return Syscalls.join(Syscalls.getcwd(), path)
    except FileNotFoundError:
        return path


def _try(template: str) -> None:
    path = fill_template(template, "doctor")
    with _without_new_folders(Path(path).parent):
        if is_generated(template):
            file = file_opening.create_exclusive(path)
            try:
                file.append(b"\n")
            finally:
                file.discard()
        elif os.path.lexists(path):
            file = file_opening.open_shared(path)
            try:
                file.is_same_file()  # looks at the disk as well
            finally:
                file.close()
        else:  # not under its name: another process might begin to use the file
            _try_beside(f"{path}.{random_hex()}")


def _try_beside(path: str) -> None:
    file = file_opening.open_shared(path)
    try:
        file.append(b"\n")
    finally:
        file.close()
        Path(path).unlink()


@contextmanager
def _without_new_folders(folder: Path) -> Iterator[None]:
    """Remove the folders again that are made meanwhile, unless somebody has put something there."""
    missing = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    try:
        yield
    finally:
        for place in missing:
            with suppress(OSError):
                place.rmdir()


# --- written


class Told(NamedTuple):
    """What a log says of itself: its events, and what its first, last and gap lines count."""

    events: int
    begun: int
    ended: int
    drops: dict[str, int]  # by reason
    failed: int
    faults: dict[str, str]  # place in our own code -> what failed there
    is_torn: bool


def newest() -> Iterator[Finding]:
    """Examine the logs that were written last."""
    template = _absolute(effective().path)
    pattern = "*".join(glob.escape(part) for part in re.split(r"\{[^{}]*\}", template))
    found = sorted(filter(os.path.isfile, glob.iglob(pattern)), key=_age, reverse=True)
    if not found:
        yield ok(f"there is no log like {template} yet", logs=0)
        return
    told: dict[str, Told] = {}
    for path in found[:_NEWEST]:
        try:
            told[path] = _told(Path(path))
        except (OSError, ValueError, TypeError, AttributeError) as error:  # or its counts are no counts
            yield warning(f"{path} cannot be read: {error}", file=path)
    events = sum(log.events for log in told.values())
    yield ok(
        f"{events} events in the newest {len(told)} of {len(found)} logs",
        logs=len(found),
        newest={path: log._asdict() for path, log in told.items()},
    )
    for path, log in told.items():
        yield from _complaints(path, log)


def _complaints(path: str, log: Told) -> Iterator[Finding]:
    if log.drops:
        reasons = ", ".join(f"{number} by {reason}" for reason, number in log.drops.items())
        yield warning(f"{path} lacks events that were dropped: {reasons}", file=path)
    if log.failed:
        places = ", ".join(f"{kind} at {place}" for place, kind in log.faults.items())
        yield warning(f"{path} counts failures of our own code: {log.failed} ({places})", file=path)
    if log.begun > log.ended:
        yield warning(f"{path} has no last line: its process still runs, or was killed", file=path)
    if log.is_torn:
        yield warning(f"{path} ends inside a line, which is lost", file=path)


def _told(path: Path) -> Told:
    """Read a log as far as this needs: only the lines about the process are parsed."""
    said: dict[str, list[dict[str, Any]]] = {"session opened": [], "session closed": [], "events dropped": []}
    events, line = 0, b""
    with path.open("rb") as file:
        for line in file:
            text, counts = _of_process(line)
            if text in said:
                said[text].append(counts)
            else:
                events += line.endswith(b"\n") and not line.isspace()
    ends, gaps = said["session closed"], said["events dropped"]
    return Told(
        events=events,
        begun=len(said["session opened"]),
        ended=len(ends),
        drops=dict(_drops(ends) | _drops(gaps)),  # the greater of each: a last line counts the gaps as well
        failed=sum(end.get("failed", 0) for end in ends),
        faults={place: kind for end in ends for place, kind in end.get("faults", {}).items()},
        is_torn=not line.endswith(b"\n") and line != b"",
    )


def _of_process(line: bytes) -> tuple[str, dict[str, Any]]:
    """Return the text and the counts of a line about the process itself; of another line, nothing."""
    if b'"hilt-autolog"' not in line:
        return "", {}
    try:
        event = json.loads(line)
        if event["actor"]["id"] == "hilt-autolog":
            return str(event["content"]["text"]), dict(event["extensions"])
    except (ValueError, KeyError, TypeError):
        pass
    return "", {}


def _drops(lines: list[dict[str, Any]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for line in lines:
        total.update(line.get("drops", {}))
    return total


def _age(path: str) -> float:
    try:
        return Path(path).stat().st_mtime
    except OSError:  # gone since
        return 0.0
