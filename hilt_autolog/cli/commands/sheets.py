"""hilt sheets: finish the copies to Google Sheets that ended processes left incomplete."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from hilt_autolog.cli.checks.settings import effective_settings
from hilt_autolog.cli.exit_codes import FINDINGS, OK
from hilt_autolog.cli.render.terminal import escape_line, json_text, print_stderr
from hilt_autolog.log.file_names import fill_template

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from hilt_autolog.sinks.target import SheetTarget
    from hilt_autolog.sinks.uploader import UploadProgress


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("folder", nargs="?", help="where the logs are; without, where they would be written")
    parser.add_argument("--json", action="store_true", help="print one JSON object a log")


def run(args: Namespace) -> int:
    """Finish the copies of a folder that no process is working on, and print the result of each.

    Returns:
        0 if all are complete, 1 if not.

    Raises:
        FileNotFoundError: the folder does not exist.
    """
    from hilt_autolog.sinks.checkpoint import Checkpoint

    if args.folder and not os.path.isdir(args.folder):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), args.folder)
    folder = args.folder or os.path.dirname(os.path.abspath(fill_template(effective_settings().path, "hilt")))
    codes = []
    for checkpoint in Checkpoint.acquire_unfinished(folder):
        checkpoint.close()
        progress = _finish_copy(checkpoint.log, checkpoint.target)
        _print_progress(checkpoint.log, checkpoint.target, progress, is_json=args.json)
        codes.append(FINDINGS if progress.behind else OK)
    if not codes:
        print_stderr(f"no copy is left in {folder}")
    return max(codes, default=OK)


def _print_progress(log: str, target: SheetTarget, progress: UploadProgress, *, is_json: bool) -> None:
    if is_json:
        names = {"log": log, "sheet_id": target.sheet_id, "worksheet": target.worksheet}
        print(json_text(names | progress._asdict()))
        return
    rows, behind, trouble = progress
    rest = f", {behind} bytes are left: {trouble or 'nothing arrives'}" if behind else ""
    print(escape_line(f"{log} -> {target.sheet_id}/{target.worksheet}: {rows} rows{rest}"))


def _finish_copy(log: str, target: SheetTarget) -> UploadProgress:
    from hilt_autolog.sinks.mirror import IDLE_TIMEOUT
    from hilt_autolog.sinks.target import account_key
    from hilt_autolog.sinks.uploader import SheetUploader

    uploader = SheetUploader(log, target, account_key)
    uploader.start()
    uploader.finish(IDLE_TIMEOUT)
    return uploader.progress()
