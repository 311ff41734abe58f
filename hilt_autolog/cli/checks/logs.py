"""The log: whether it can be written, what the newest logs report about themselves, their copy in Sheets."""

from __future__ import annotations

import glob
import json
import os
import re
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.clock import random_hex
from hilt_autolog.format import PROCESS_ACTOR
from hilt_autolog.log import append_file, file_opening
from hilt_autolog.log.file_names import fill_template, is_generated
from hilt_autolog.log.safe_directory import UnsafePathError
from hilt_autolog.log.syscalls import Syscalls

from . import Finding, ok, problem, warning
from .settings import effective_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilt_autolog.contracts.types import JsonObject

_MAX_LOGS = 5
_PROCESS_MARK = f'"{PROCESS_ACTOR}"'.encode()
_HINTS = {"ELOOP": " (a symbolic link, which is not followed)", "ENXIO": " (a pipe)"}


# --- the path of the next log


def check_log_path() -> Iterator[Finding]:
    """Open a log as the writer would, and leave nothing of it behind."""
    template = _absolute(effective_settings().path)
    try:
        _try_to_write(template)
    except (UnsafePathError, OSError, append_file.LogFileLost) as error:
        reason, description = file_opening.describe_error(error)  # as in status().trouble
        text = f"{template} cannot be written: {description}{_HINTS.get(reason, '')}"
        yield problem(text, path=template, reason=reason)
    else:
        yield ok(f"{template} can be written", path=template)


def _absolute(template: str) -> str:
    """Return the absolute path, or the relative one if the current folder was removed: opening it fails."""
    path: str = Syscalls.expanduser(template)
    try:
        return Syscalls.join(Syscalls.getcwd(), path)
    except FileNotFoundError:
        return path


def _try_to_write(template: str) -> None:
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
                file.is_same_file()  # checks the file on disk as well
            finally:
                file.close()
        else:  # under another name: another process might begin to use a file of this one
            _try_temporary(f"{path}.{random_hex()}")


def _try_temporary(path: str) -> None:
    file = file_opening.open_shared(path)
    try:
        file.append(b"\n")
    finally:
        file.close()
        Path(path).unlink()


@contextmanager
def _without_new_folders(folder: Path) -> Iterator[None]:
    """Remove folders that the body creates, except those in which another process has put something."""
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        yield
    finally:
        for path in missing:
            with suppress(OSError):
                path.rmdir()


# --- the logs that exist


class LogSummary(NamedTuple):
    """What a log reports about itself in the events of its process.

    Attributes:
        events: events of calls.
        begun: how often a process opened the log.
        ended: how often a process closed it.
        drops: lost events by reason.
        failed: how many internal errors of this package.
        faults: the kinds of those errors by place in the code.
        is_torn: whether the last line is incomplete.
    """

    events: int
    begun: int
    ended: int
    drops: dict[str, int]
    failed: int
    faults: dict[str, str]
    is_torn: bool


def check_recent_logs() -> Iterator[Finding]:
    """Check the logs that were written last."""
    template = _absolute(effective_settings().path)
    pattern = "*".join(glob.escape(part) for part in re.split(r"\{[^{}]*\}", template))
    paths = sorted(filter(os.path.isfile, glob.iglob(pattern)), key=_modification_time, reverse=True)
    if not paths:
        yield ok(f"there is no log like {template} yet", logs=0)
        return
    summaries: dict[str, LogSummary] = {}
    for path in paths[:_MAX_LOGS]:
        try:
            summaries[path] = _summarize(Path(path))
        except (OSError, ValueError, TypeError, AttributeError) as error:  # also counts of a wrong type
            yield warning(f"{path} cannot be read: {error}", file=path)
    events = sum(summary.events for summary in summaries.values())
    yield ok(
        f"{events} events in the newest {len(summaries)} of {len(paths)} logs",
        logs=len(paths),
        newest={path: summary._asdict() for path, summary in summaries.items()},
    )
    for path, summary in summaries.items():
        yield from _log_warnings(path, summary)


def _log_warnings(path: str, summary: LogSummary) -> Iterator[Finding]:
    if summary.drops:
        reasons = ", ".join(f"{number} by {reason}" for reason, number in summary.drops.items())
        yield warning(f"{path} lacks events that were dropped: {reasons}", file=path)
    if summary.failed:
        faults = ", ".join(f"{kind} at {place}" for place, kind in summary.faults.items())
        yield warning(f"{path} counts failures of our own code: {summary.failed} ({faults})", file=path)
    if summary.begun > summary.ended:
        yield warning(f"{path} has no last line: its process still runs, or was killed", file=path)
    if summary.is_torn:
        yield warning(f"{path} ends inside a line, which is lost", file=path)


def _summarize(path: Path) -> LogSummary:
    """Summarize a log; only the events about its process are parsed."""
    opened: list[JsonObject] = []
    closed: list[JsonObject] = []
    dropped: list[JsonObject] = []
    lifecycle = {"session opened": opened, "session closed": closed, "events dropped": dropped}
    events, line = 0, b""
    with path.open("rb") as file:
        for line in file:
            text, extensions = _process_event(line)
            if text in lifecycle:
                lifecycle[text].append(extensions)
            else:
                events += line.endswith(b"\n") and not line.isspace()
    return LogSummary(
        events=events,
        begun=len(opened),
        ended=len(closed),
        drops=dict(_drops(closed) | _drops(dropped)),  # the maximum: "session closed" counts all drops again
        failed=sum(extensions.get("failed", 0) for extensions in closed),
        faults={place: kind for extensions in closed for place, kind in extensions.get("faults", {}).items()},
        is_torn=not line.endswith(b"\n") and line != b"",
    )


def _process_event(line: bytes) -> tuple[str, JsonObject]:
    """Return the text and the extensions of an event about the process itself; "" and {} for other lines."""
    if _PROCESS_MARK not in line:
        return "", {}
    try:
        event = json.loads(line)
        if event["actor"]["id"] == PROCESS_ACTOR:
            return str(event["content"]["text"]), dict(event["extensions"])
    except (ValueError, KeyError, TypeError):
        pass
    return "", {}


def _drops(extensions_list: list[JsonObject]) -> Counter[str]:
    drops: Counter[str] = Counter()
    for extensions in extensions_list:
        drops.update(extensions.get("drops", {}))
    return drops


def _modification_time(path: str) -> float:
    try:
        return Path(path).stat().st_mtime
    except OSError:  # removed meanwhile
        return 0.0


# --- the copy in Google Sheets


def check_sheets() -> Iterator[Finding]:
    """Connect to the spreadsheet, and look for incomplete copies; nothing is changed."""
    settings = effective_settings()
    if settings.sheets is None:
        yield ok("no copy is configured")
        return
    # Imported here, because doctor also runs where a required package is missing.
    from hilt_autolog.errors import HILTError
    from hilt_autolog.sinks.checkpoint import pending_copies
    from hilt_autolog.sinks.errors import RetryLater
    from hilt_autolog.sinks.spreadsheet import Spreadsheet
    from hilt_autolog.sinks.target import account_key, sheet_target

    try:
        sheet = sheet_target(settings.sheets, chunks=False)
        key = account_key()
        spreadsheet = Spreadsheet(sheet, key)
        spreadsheet.connect()
        spreadsheet.close()
    except (ImportError, OSError, ValueError, HILTError, RetryLater) as error:
        yield warning(f"the copy cannot be written: {error}", sheet_id=settings.sheets)
    else:
        email = key["client_email"]
        yield ok(f"{sheet.sheet_id} can be reached as {email}", sheet_id=sheet.sheet_id, account=email)
    folder = os.path.dirname(os.path.abspath(fill_template(settings.path, "doctor")))
    missing = {log: size for log, size in pending_copies(folder).items() if size}
    for log, size in missing.items():
        yield warning(
            f"{size} bytes of {log} are not in the spreadsheet yet: its process still copies, or it has ended"
            " (`hilt sheets` sends them)",
            file=log,
            bytes=size,
        )
