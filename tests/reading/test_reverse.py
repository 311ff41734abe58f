"""A log read from its end says the same as one read from its beginning."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt_autolog.reading import lines as lines_module
from hilt_autolog.reading.lines import ReadProblem, Source, lines_from_end, newest_first, split_lines


@given(
    st.binary(max_size=200) | st.lists(st.sampled_from([b"", b"a", b"\n", b"b" * 9])).map(b"".join),
    st.integers(1, 9),
)
def test_the_lines_are_those_of_a_reading_forward(content, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "_BLOCK", block)
        lines = list(lines_from_end(io.BytesIO(content)))
    assert lines[::-1] == list(split_lines(io.BytesIO(content)))


def test_a_line_that_is_too_long_is_none(monkeypatch):
    monkeypatch.setattr(lines_module, "LONGEST_LINE", 10)
    monkeypatch.setattr(lines_module, "_BLOCK", 4)
    content = b"one\n" + b"x" * 50 + b"\ntwo\n" + b"y" * 50
    assert list(lines_from_end(io.BytesIO(content))) == [None, b"two\n", None, b"one\n"]


def test_bad_lines_are_counted_from_the_end(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\nx\n{"a":2}\n{"a"')
    problems: list[ReadProblem] = []
    assert list(newest_first(Source(str(path)), problems.append)) == [{"a": 2}, {"a": 1}]
    assert [(problem.line, problem.reason.partition(":")[0]) for problem in problems] == [
        (-1, "torn"),
        (-3, "not JSON"),
    ]


def test_a_missing_file_is_reported(tmp_path):
    problems: list[ReadProblem] = []
    assert list(newest_first(Source(str(tmp_path / "no")), problems.append)) == []
    assert "unreadable from here" in problems[0].reason


def test_only_the_end_of_a_large_file_is_read(tmp_path):
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.seek(10**10)  # a hole, which takes no room on the disk
        file.write(b'\n{"a":1}\n{"a":2}\n')
    events = newest_first(Source(str(path)), print)
    assert [next(events), next(events)] == [{"a": 2}, {"a": 1}]
