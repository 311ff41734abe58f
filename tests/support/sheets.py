"""Kit of the tests of sheets: events, logs, and a copier through the real gspread."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import orjson

from hilt_autolog.clock import id_and_timestamp
from hilt_autolog.reading.columns import COLUMNS
from hilt_autolog.sinks.batch_copier import BatchCopier
from hilt_autolog.sinks.checkpoint import Checkpoint
from hilt_autolog.sinks.errors import RetryLater
from hilt_autolog.sinks.spreadsheet import Spreadsheet
from hilt_autolog.sinks.target import SheetTarget
from hilt_autolog.sinks.worksheet import Worksheet

ROOT = Path(__file__).resolve().parents[2]
ALL = tuple(COLUMNS)

PRELUDE = """
import json, os, signal, sys, threading, time
sys.path[:0] = [{root!r}, {root!r} + "/examples"]
from offline_sheets import route
route({url!r})
SHEET, KEY = {sheet!r}, json.loads({key!r})
"""


def event(text="hello", action="prompt", **more):
    """An event as it is in a log."""
    identity, timestamp = id_and_timestamp()
    return {
        "hilt_version": "1.0.0",
        "event_id": identity,
        "timestamp": timestamp,
        "session_id": "conv_0123456789ab",
        "actor": {"type": "human", "id": "ada"},
        "action": action,
        "content": {"text": text},
    } | more


def write(path, events):
    """Append events to a log, and return it."""
    with Path(path).open("ab") as file:
        file.writelines(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in events)
    return str(path)


def target_of(sheet, columns=ALL, worksheet="Logs", *, chunks=True):
    return SheetTarget(sheet.id, worksheet, tuple(columns), chunks)


def opened(sheet, target=None, max_rows=500_000):
    target = target or target_of(sheet)
    worksheet = Worksheet(target, Spreadsheet(target, sheet.key, max_rows))
    worksheet.open()
    return worksheet


def copy(sheet, log, target=None, *, attempts=20, max_rows=500_000):
    """Copy a log to its end as an uploader does, and release it; return the failures on the way."""
    target = target or target_of(sheet)
    failures = []
    checkpoint = Checkpoint.acquire(str(log), target)
    try:
        copier, to = BatchCopier(checkpoint), opened(sheet, target, max_rows)
        for _ in range(attempts):
            try:
                while copier.step(to):
                    pass
            except RetryLater as error:
                failures.append(type(error).__name__)
            else:
                return failures
    finally:
        checkpoint.close()
    raise AssertionError(failures)


def run(sheet, script, folder, **options):
    """Run a script with the loopback Sheets API in place of Google's; return the completed process."""
    prelude = PRELUDE.format(
        root=str(ROOT),
        url=sheet.server.url,
        sheet=sheet.id,
        key=json.dumps(sheet.key),
    )
    command = [sys.executable, "-W", "error", "-X", "faulthandler=0", "-c", prelude + textwrap.dedent(script)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False, **options
    )
