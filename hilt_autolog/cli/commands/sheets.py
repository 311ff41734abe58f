"""hilt sheets: bring what ended processes have left of their copies to Google Sheets."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from hilt_autolog.cli.checks.settings import effective
from hilt_autolog.cli.exit_codes import FINDINGS, OK
from hilt_autolog.cli.render.terminal import json_text, say, spelled_out
from hilt_autolog.log.file_names import fill_template

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from hilt_autolog.sinks.target import SheetTarget
    from hilt_autolog.sinks.uploader import Progress


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("folder", nargs="?", help="where the logs are; without, where they would be written")
    parser.add_argument("--json", action="store_true", help="print one JSON object a log")


def run(chosen: Namespace) -> int:
    """Finish the copies of a folder that no process is at work on, and print what became of each.

    Returns:
        OK if nothing is left, FINDINGS if something is.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    from hilt_autolog.sinks.checkpoint import Checkpoint

    if chosen.folder and not os.path.isdir(chosen.folder):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), chosen.folder)
    folder = chosen.folder or os.path.dirname(os.path.abspath(fill_template(effective().path, "hilt")))
    codes = []
    for left in Checkpoint.acquire_unfinished(folder):
        left.close()
        codes.append(_tell(left.log, left.target, _finished(left.log, left.target), is_json=chosen.json))
    if not codes:
        say(f"no copy is left in {folder}")
    return max(codes, default=OK)


def _tell(log: str, target: SheetTarget, progress: Progress, *, is_json: bool) -> int:
    rows, behind, trouble = progress
    if is_json:
        said = {"log": log, "sheet_id": target.sheet_id, "worksheet": target.worksheet}
        print(json_text(said | progress._asdict()))
    else:
        why = f", {behind} bytes are left: {trouble or 'nothing arrives'}" if behind else ""
        print(spelled_out(f"{log} -> {target.sheet_id}/{target.worksheet}: {rows} rows{why}"))
    return FINDINGS if behind else OK


def _finished(log: str, target: SheetTarget) -> Progress:
    from hilt_autolog.sinks.mirror import IDLE_TIMEOUT
    from hilt_autolog.sinks.target import account_key
    from hilt_autolog.sinks.uploader import SheetUploader

    feed = SheetUploader(log, target, account_key)
    feed.start()
    feed.finish(IDLE_TIMEOUT)
    return feed.progress()
