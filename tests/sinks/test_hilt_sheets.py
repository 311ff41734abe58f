"""`hilt sheets` and `hilt doctor`: what is left of copies, and whether the spreadsheet can be reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hilt_autolog.cli import main
from hilt_autolog.cli.checks.logs import check_sheets
from hilt_autolog.sinks.checkpoint import Checkpoint
from tests.support.sheets import copy, event, target_of, write


@pytest.fixture
def configured(sheet, tmp_path, monkeypatch):
    """The environment of somebody who wants a copy."""
    (tmp_path / "key.json").write_text(json.dumps(sheet.key))
    monkeypatch.setenv("GOOGLE_CREDENTIALS_PATH", "key.json")
    monkeypatch.setenv("HILT_SHEETS_ID", sheet.id)
    (tmp_path / "logs").mkdir()
    return sheet


def leave(sheet, name, worksheet="Logs", number=1):
    """A log whose process has ended before its copy was there."""
    log = write(Path(name).absolute(), [event(f"{name} {n}") for n in range(number)])
    Checkpoint.acquire(log, target_of(sheet, worksheet=worksheet)).close()
    return log


def test_what_was_left_is_sent(configured, capsys):
    one = leave(configured, "logs/a.hilt.jsonl", number=3)
    two = leave(configured, "logs/b.hilt.jsonl", "Other")
    copy(configured, write("logs/done.hilt.jsonl", [event("done")]))
    assert main(["sheets"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{one} -> {configured.id}/Logs: 3 rows",
        f"{two} -> {configured.id}/Other: 1 rows",
    ]
    assert configured.column("message")[0] == "done"
    assert len(configured.rows()) == 4
    assert main(["sheets", "logs"]) == 0
    assert capsys.readouterr() == ("", "hilt: no copy is left in logs\n")


def test_a_folder_that_is_not_there(configured, capsys):
    assert main(["sheets", "nowhere"]) == 3
    assert capsys.readouterr() == ("", "hilt: nowhere: No such file or directory\n")


def test_the_same_for_machines(configured, capsys):
    log = leave(configured, "logs/a.hilt.jsonl", number=2)
    assert main(["sheets", "--json", "logs"]) == 0
    expected = {"log": "logs/a.hilt.jsonl", "sheet_id": configured.id, "worksheet": "Logs"}
    assert json.loads(capsys.readouterr().out) == expected | {"rows": 2, "behind": 0, "trouble": None}
    assert log.endswith("logs/a.hilt.jsonl")


def test_what_cannot_be_sent_is_said(configured, capsys):
    log = leave(configured, "logs/a.hilt.jsonl")
    configured.book.editors.clear()
    assert main(["sheets"]) == 1
    output = capsys.readouterr().out
    assert output.startswith(
        f"{log} -> {configured.id}/Logs: 0 rows, {Path(log).stat().st_size} bytes are left: "
    )
    assert "is not shared with robot@" in output


def findings():
    return [(mark, text) for mark, text, _ in check_sheets()]


def test_doctor_says_that_no_copy_is_wanted(sheet):
    assert findings() == [("ok", "no copy is configured")]


def test_doctor_says_as_whom_the_spreadsheet_can_be_reached(configured):
    account = configured.key["client_email"]
    assert findings() == [("ok", f"{configured.id} can be reached as {account}")]
    assert "Logs" not in configured.book.worksheets


def test_doctor_says_what_keeps_the_copy_back(configured, monkeypatch):
    configured.book.editors.clear()
    ((mark, text),) = findings()
    assert mark == "warning"
    assert text.startswith(
        f"the copy cannot be written: the spreadsheet {configured.id} is not shared with robot@"
    )
    monkeypatch.delenv("GOOGLE_CREDENTIALS_PATH")
    ((_, text),) = findings()
    assert "set GOOGLE_CREDENTIALS_PATH to the JSON key of a service account" in text


def test_doctor_says_what_is_left(configured):
    log = leave(configured, "logs/a.hilt.jsonl")
    _, (mark, text) = findings()
    assert mark == "warning"
    assert text.startswith(f"{Path(log).stat().st_size} bytes of {log} are not in the spreadsheet yet: ")
