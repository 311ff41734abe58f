"""A log to a sheet: every row once, whatever fails or dies in between."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hilt_autolog.sinks.batch_copier import BatchCopier
from hilt_autolog.sinks.checkpoint import Checkpoint, PendingBatch, pending_copies
from hilt_autolog.sinks.errors import RetryLater, WriteUnconfirmed
from hilt_autolog.sinks.worksheet import WritePosition
from tests.support.sheets import ALL, copy, event, opened, target_of, write

FAILURES = ["429", "503", "503 after", "500 after", "drop", "drop after"]
NARROW = {
    "with ids": ("event_id", "message"),
    "with times": ("timestamp", "message"),
    "with neither": ("action", "message"),
    "all alike": ("action",),
}


def test_five_thousand_events_are_five_thousand_rows_none_twice(sheet):
    events = [event(f"{n}") for n in range(5000)]
    sheet.google.failures.extend(["503 after", "429", "503 after", "503", "429", "503 after", "drop after"])
    failures = copy(sheet, write("a.hilt.jsonl", events))
    assert failures == [
        "WriteUnconfirmed",
        "RetryLater",
        "WriteUnconfirmed",
        "WriteUnconfirmed",
        "RetryLater",
        "WriteUnconfirmed",
        "WriteUnconfirmed",
    ]
    assert sheet.column("event_id") == [one["event_id"] for one in events]
    assert {len(rows) for _, _, rows in sheet.google.appended} == {1000}


@pytest.mark.parametrize("columns", NARROW.values(), ids=NARROW)
@pytest.mark.parametrize("failure", FAILURES)
def test_columns_without_an_event_id_have_single_rows_too(sheet, columns, failure):
    log, target = write("a.hilt.jsonl", [event("same")] * 3), target_of(sheet, columns)
    copy(sheet, log, target)
    sheet.google.failures.append(failure)
    copy(sheet, write(log, [event("same", timestamp=f"t{n}") for n in range(4)]), target)
    assert len(sheet.rows()) == 7


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.integers(0, 30), max_size=5),
    failures=st.lists(st.sampled_from(["", *FAILURES]), max_size=8),
    columns=st.sampled_from(list(NARROW.values())[:2]),
)
def test_any_order_of_failures_and_crashes_leaves_single_rows(sheet, tmp_path, parts, failures, columns):
    log, target = tmp_path / "a.hilt.jsonl", target_of(sheet, columns)
    for left in tmp_path.iterdir():
        left.unlink()
    sheet.book.worksheets.pop("Logs", None)
    sheet.google.failures.clear()
    sheet.google.failures.extend(failures)
    log.touch()
    count = 0
    for part in parts:
        write(log, [event(f"{count + n}") for n in range(part)])
        count += part
        die_while_copying(sheet, log, target)
    copy(sheet, log, target)
    assert sheet.column("message") == [str(n) for n in range(count)]


def die_while_copying(sheet, log, target):
    """One step, and then nothing but the checkpoint is left."""
    checkpoint = Checkpoint.acquire(str(log), target)
    try:
        BatchCopier(checkpoint).step(opened(sheet, target))
    except RetryLater:
        pass
    finally:
        checkpoint.close()


def test_an_unconfirmed_batch_is_searched_before_it_is_resent(sheet):
    log = write("a.hilt.jsonl", [event("one"), event("two")])
    sheet.google.failures.append("drop after")
    checkpoint = Checkpoint.acquire(log, target_of(sheet))
    with pytest.raises(WriteUnconfirmed, match="Google cannot be reached"):
        BatchCopier(checkpoint).step(opened(sheet))
    size = Path(log).stat().st_size
    assert (checkpoint.offset, checkpoint.pending_batch) == (0, PendingBatch(size, WritePosition("Logs", 1)))
    checkpoint.close()
    assert pending_copies(".") == {"./a.hilt.jsonl": size}
    copy(sheet, log)
    assert pending_copies(".") == {"./a.hilt.jsonl": 0}
    assert sheet.column("message") == ["one", "two"]
    assert len(sheet.google.appended) == 1


SPOILED = [
    *(b"", b"{", b"[]", b"\xff" * 20),
    *(b'{"offset": %s, "sending": null}' % number for number in (b"null", b"-5", b"1e30", b"0.5")),
    b'{"offset": 0, "sending": [-1, "Logs", 1]}',
]


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_checkpoint_that_is_spoiled_makes_no_doubles(sheet, spoiled):
    log = write("a.hilt.jsonl", [event(f"{n}") for n in range(1500)])
    copy(sheet, log)
    (checkpoint,) = Path().glob("*.sheets")
    checkpoint.write_bytes(spoiled)
    write(log, [event("new")])
    copy(sheet, log)
    assert sheet.column("message") == [*map(str, range(1500)), "new"]


# --- what gets a row


def test_chunks_get_rows_only_where_they_are_wanted(sheet):
    events = [event("p"), event("h", "completion_chunk"), event("i", "completion_chunk"), event("hi")]
    log = write("a.hilt.jsonl", events)
    copy(sheet, log, target_of(sheet, chunks=False))
    copy(sheet, log, target_of(sheet, worksheet="All"))
    assert sheet.column("message") == ["p", "hi"]
    assert sheet.column("message", "All") == ["p", "h", "i", "hi"]


def test_what_a_log_says_of_itself_gets_no_row(sheet):
    own = event("session opened", "system", actor={"type": "system", "id": "hilt-autolog"})
    failed = event("rate limit", "system", actor={"type": "system", "id": "openai"})
    copy(sheet, write("a.hilt.jsonl", [own, event("p"), failed, own]))
    assert sheet.column("message") == ["p", "rate limit"]


def test_many_lines_without_a_row_are_passed_over(sheet):
    chunk = event("x" * 100_000, "completion_chunk")
    copy(
        sheet, write("a.hilt.jsonl", [event("p"), *[chunk] * 200, event("c")]), target_of(sheet, chunks=False)
    )
    assert sheet.column("message") == ["p", "c"]


def test_torn_and_foreign_lines_are_skipped_and_unfinished_ones_wait(sheet):
    log = Path(write("a.hilt.jsonl", [event("one")]))
    whole = json.dumps(event("two")).encode()
    with log.open("ab") as file:
        file.write(b'{"torn\n[1]\n\xff\n\n' + whole)
    copy(sheet, log)
    assert sheet.column("message") == ["one"]
    with log.open("ab") as file:
        file.write(b"\n")
    copy(sheet, log)
    assert sheet.column("message") == ["one", "two"]


def test_a_line_of_many_mebibytes_is_a_row_as_well(sheet):
    big = event("x" * 20_000_000)
    copy(sheet, write("a.hilt.jsonl", [event("one"), big, event("three")]))
    assert [len(text) for text in sheet.column("message")] == [3, 500, 5]


def test_a_replaced_log_is_copied_from_its_beginning(sheet):
    log = Path(write("a.hilt.jsonl", [event(f"{n}") for n in range(5)]))
    copy(sheet, log)
    log.unlink()
    copy(sheet, write(log, [event("new")]))
    assert sheet.column("message") == ["0", "1", "2", "3", "4", "new"]


def test_a_replaced_log_that_is_longer_is_recognized(sheet):
    log = Path(write("a.hilt.jsonl", [event("old")]))
    checkpoint = Checkpoint.acquire(str(log), target_of(sheet))
    copier, to = BatchCopier(checkpoint), opened(sheet)
    copier.step(to)
    write("b.hilt.jsonl", [event(f"new {n}") for n in range(3)])
    Path("b.hilt.jsonl").rename(log)
    while copier.step(to):
        pass
    checkpoint.close()
    assert sheet.column("message") == ["old", "new 0", "new 1", "new 2"]


def test_a_torn_end_of_any_length_is_not_waited_for(sheet):
    log = Path(write("a.hilt.jsonl", [event("one")]))
    with log.open("ab") as file:
        file.write(b'{"text": "' + b"x" * 200_000)
    copy(sheet, log)
    assert list(pending_copies(".").values()) == [0]


def test_after_a_quota_error_the_sheet_is_not_searched(sheet):
    sheet.google.failures.append("429")
    copy(sheet, write("a.hilt.jsonl", [event("one")]))
    assert sheet.column("message") == ["one"]
    assert [call for call in sheet.google.calls if call.startswith("GET") and "!C1" in call] == []


def test_a_request_is_never_larger_than_google_advises(sheet):
    copy(sheet, write("a.hilt.jsonl", [event("\N{SNOWMAN}" * 500) for _ in range(1000)]))
    sizes = [len(json.dumps({"values": rows})) for _, _, rows in sheet.google.appended]
    assert len(sheet.rows()) == 1000
    assert len(sizes) > 1
    assert max(sizes) < 1_600_000


# --- who holds it


def test_a_log_and_worksheet_have_one_copier_at_a_time(sheet):
    log = write("a.hilt.jsonl", [event()])
    held = Checkpoint.acquire(log, target_of(sheet))
    assert Checkpoint.acquire(log, target_of(sheet)) is None
    assert list(Checkpoint.acquire_unfinished(".", sheet.id)) == []
    elsewhere = Checkpoint.acquire(log, target_of(sheet, worksheet="Other"))
    assert elsewhere is not None
    elsewhere.close()
    held.close()
    again = Checkpoint.acquire(log, target_of(sheet))
    assert again is not None
    again.close()


def test_uncopied_rows_are_sent_by_the_next_copier(sheet):
    Checkpoint.acquire(write("a.hilt.jsonl", [event()]), target_of(sheet, ("message",), "Mine")).close()
    copy(sheet, write("done.hilt.jsonl", [event()]))
    Path("odd.sheets").write_text("?")
    assert list(Checkpoint.acquire_unfinished(".", "another")) == []
    (left,) = Checkpoint.acquire_unfinished(".", sheet.id)
    assert (left.log, left.target) == ("./a.hilt.jsonl", target_of(sheet, ("message",), "Mine"))
    left.close()


def test_a_checkpoint_is_private(sheet):
    copy(sheet, write("a.hilt.jsonl", [event()]))
    (checkpoint,) = Path().glob("*.sheets")
    assert checkpoint.stat().st_mode & 0o777 == 0o600
    assert json.loads(checkpoint.read_bytes()) == {
        "sheet_id": sheet.id,
        "worksheet": "Logs",
        "columns": list(ALL),
        "chunks": True,
        "offset": Path("a.hilt.jsonl").stat().st_size,
        "sending": None,
    }
