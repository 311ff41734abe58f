"""hilt sheets: bring what ended processes have left of their copies to Google Sheets."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from hilt_autolog.io.naming import filled

from .checks.settings import effective

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from hilt_autolog.sinks.feed import Progress
    from hilt_autolog.sinks.target import Target


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("folder", nargs="?", help="where the logs are; without, where they would be written")
    parser.add_argument("--json", action="store_true", help="print one JSON object a log")


def run(chosen: Namespace) -> int:
    """Finish the copies of a folder that no process is at work on, and print what became of each.

    Returns:
        0 if nothing is left, 1 if something is.
    """
    from hilt_autolog.sinks.checkpoint import Checkpoint

    folder = chosen.folder or os.path.dirname(os.path.abspath(filled(effective().path, "hilt")))
    is_left = False
    for left in Checkpoint.left(folder):
        left.close()
        log, target = left.log, left.target
        rows, behind, trouble = _finished(log, target)
        if chosen.json:
            said = {"log": log, "sheet_id": target.sheet_id, "worksheet": target.worksheet}
            print(json.dumps(said | {"rows": rows, "behind": behind, "trouble": trouble}))
        else:
            why = f", {behind} bytes are left: {trouble or 'nothing arrives'}" if behind else ""
            print(f"{log} -> {target.sheet_id}/{target.worksheet}: {rows} rows{why}")
        is_left = is_left or behind > 0
    return int(is_left)


def _finished(log: str, target: Target) -> Progress:
    from hilt_autolog.sinks.feed import Feed
    from hilt_autolog.sinks.mirror import PATIENCE
    from hilt_autolog.sinks.target import account_key

    feed = Feed(log, target, account_key)
    feed.start()
    feed.finish(PATIENCE)
    return feed.progress()
