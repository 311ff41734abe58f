"""Wrong keys, sheets that are not shared, packages that are missing: the words, and that nothing is lost."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from offline_sheets import route

from hilt_autolog import HILTError, Session, SessionError
from hilt_autolog.sinks.checkpoint import pending_copies
from hilt_autolog.sinks.mirror import SheetMirror
from tests.support.sheets import event, target_of, write


def session_with(sheet, key=None, sheet_id=None):
    return Session(backend="sheets", sheet_id=sheet_id or sheet.id, credentials_json=key or sheet.key)


def other_key(sheet, name):
    return sheet.key | {"client_email": f"{name}@offline.iam.gserviceaccount.com"}


def test_a_sheet_that_is_not_given(sheet):
    with pytest.raises(ValueError, match="give it, or set GOOGLE_SHEET_ID"):
        Session(backend="sheets", credentials_json=sheet.key)


def test_a_key_that_is_not_given(sheet):
    with pytest.raises(ValueError, match="give one, or set GOOGLE_CREDENTIALS_PATH to the JSON key"):
        Session(backend="sheets", sheet_id=sheet.id)


def test_a_key_file_that_is_not_there(sheet):
    with pytest.raises(FileNotFoundError, match=r"there is no file nowhere\.json with the key"):
        Session(backend="sheets", sheet_id=sheet.id, credentials_path="nowhere.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "key.json cannot be read as the key of a service account: Expecting value"),
        ("{", "key.json cannot be read as the key of a service account: Expecting property name"),
        ("\xff", "key.json cannot be read as the key of a service account"),
        ("[]", "key.json is no key of a service account: it needs client_email, private_key, token_uri"),
        (
            '{"installed": {"client_id": "x"}}',
            "key.json is no key of a service account: it needs client_email",
        ),
        ('{"client_email": 1, "private_key": "x", "token_uri": "y"}', "is no key of a service account"),
    ],
)
def test_a_key_file_that_holds_no_key(sheet, text, words):
    Path("key.json").write_text(text, encoding="latin-1")
    with pytest.raises(SessionError, match=words):
        Session(backend="sheets", sheet_id=sheet.id, credentials_path="key.json")


def test_a_folder_in_the_place_of_a_key(sheet):
    with pytest.raises(SessionError, match=r"\. cannot be read as the key of a service account: .*directory"):
        Session(backend="sheets", sheet_id=sheet.id, credentials_path=".")


def test_a_private_key_that_is_damaged(sheet):
    damaged = sheet.key | {"private_key": sheet.key["private_key"][:300]}
    with pytest.raises(SessionError, match=r"the private key of robot@.* cannot be read: "):
        session_with(sheet, damaged)


def test_an_account_that_google_does_not_know(sheet):
    words = r"Google does not accept the key of nobody@\S+: invalid_grant: Invalid grant: account not found$"
    with pytest.raises(SessionError, match=words):
        session_with(sheet, other_key(sheet, "nobody"))


def test_a_key_that_was_revoked(sheet):
    stranger = sheet.server.account("revoked")
    wrong = stranger | {"private_key": sheet.key["private_key"]}
    with pytest.raises(
        SessionError, match=r"does not accept the key of revoked@\S+: invalid_grant: Invalid JWT Signature\.$"
    ):
        session_with(sheet, wrong)


def test_a_sheet_that_is_not_shared(sheet):
    stranger = sheet.server.account("stranger")
    with pytest.raises(HILTError) as caught:
        session_with(sheet, stranger)
    assert str(caught.value) == (
        f"the spreadsheet {sheet.id} is not shared with stranger@offline.iam.gserviceaccount.com:"
        " press Share, and make it an editor"
    )


def test_a_sheet_that_is_shared_for_reading_only(sheet):
    reader = sheet.server.account("reader")
    sheet.server.share(sheet.id, reader["client_email"], role="viewer")
    with pytest.raises(SessionError, match="press Share, and make it an editor"):
        session_with(sheet, reader)
    Session(backend="sheets", sheet_id=sheet.id, credentials_json=reader, mode="r").close()


def test_a_sheet_that_does_not_exist(sheet):
    with pytest.raises(SessionError, match="there is no spreadsheet nothing: its id is in its address"):
        session_with(sheet, sheet_id="nothing")


def test_an_api_that_is_down_keeps_no_program_from_appending(sheet):
    sheet.google.is_down = True
    session = session_with(sheet)
    session.append({"session_id": "conv_1", "actor": {"type": "human", "id": "ada"}, "action": "prompt"})
    assert [log.stat().st_size > 0 for log in Path("logs").glob("*.hilt.jsonl")] == [True]
    sheet.google.is_down = False
    session.close()
    assert len(sheet.rows()) == 1


def test_an_api_that_is_down_cannot_be_read(sheet):
    sheet.google.is_down = True
    session = Session(backend="sheets", sheet_id=sheet.id, credentials_json=sheet.key, mode="r")
    with pytest.raises(SessionError, match=r"cannot be read now: Google fails with 503: The service is"):
        session.read()


def test_a_network_that_is_not_there(sheet):
    restore = route("http://127.0.0.1:9")
    try:
        session = session_with(sheet)
        with pytest.raises(SessionError, match="cannot be read now: Google cannot be reached: "):
            session.read()
    finally:
        restore()


def test_gspread_is_not_installed(sheet, monkeypatch):
    monkeypatch.setitem(sys.modules, "gspread", None)
    with pytest.raises(ImportError, match=r'pip install "hilt-autolog\[sheets\]"'):
        session_with(sheet)


# --- the live copy reports it, and loses nothing


def shown(mirror):
    mirror.drain()
    return mirror.progress()


@pytest.mark.parametrize("case", ["no key", "not shared", "gspread missing", "something else"])
def test_the_obstacle_to_a_copy_is_reported_and_nothing_lost(sheet, case, monkeypatch):
    def key():
        if case == "no key":
            raise ValueError("credentials_path or credentials_json is needed")
        return stranger if case == "not shared" else sheet.key

    stranger = sheet.server.account("stranger") if case == "not shared" else None
    if case == "gspread missing":
        monkeypatch.setitem(sys.modules, "gspread", None)
    if case == "something else":
        sheet.book.add("Logs").rows = [["Name", "Salary"]]
    words = {
        "no key": "credentials_path or credentials_json is needed",
        "not shared": "is not shared with stranger@",
        "gspread missing": "hilt-autolog[sheets]",
        "something else": "the worksheet Logs holds something else",
    }
    log = str(Path(write("a.hilt.jsonl", [event("kept")])).absolute())
    mirror = SheetMirror(target_of(sheet), key, pause=0.01)
    mirror.follow(log)
    assert words[case] in shown(mirror).trouble
    mirror.close()
    assert (mirror.progress().rows, mirror.progress().behind) == (0, Path(log).stat().st_size)
    assert list(pending_copies(".").values()) == [Path(log).stat().st_size]

    monkeypatch.undo()
    sheet.book.worksheets.pop("Logs", None)
    again = SheetMirror(target_of(sheet), lambda: sheet.key, pause=0.01)
    again.follow(log)
    again.close()
    assert again.progress() == (1, 0, None)
    assert sheet.column("message") == ["kept"]


def test_a_copy_that_somebody_has_made_possible_goes_on(sheet):
    stranger = sheet.server.account("late")
    log = str(Path(write("a.hilt.jsonl", [event("kept")])).absolute())
    mirror = SheetMirror(target_of(sheet), lambda: json.loads(json.dumps(stranger)), pause=0.01)
    mirror.follow(log)
    assert "is not shared with late@" in shown(mirror).trouble
    sheet.server.share(sheet.id, stranger["client_email"])
    until = time.monotonic() + 10
    while mirror.progress() != (1, 0, None):
        assert time.monotonic() < until, mirror.progress()
        time.sleep(0.01)
    mirror.close()


def test_a_folder_that_takes_no_checkpoint_is_reported(sheet):
    mirror = SheetMirror(target_of(sheet), lambda: sheet.key)
    mirror.follow(str(Path("nowhere/a.hilt.jsonl").absolute()))
    assert "the copy cannot begin: " in mirror.progress().trouble
    mirror.close()
