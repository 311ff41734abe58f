"""hilt search: the events that say something."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt_autolog.cli.commands.search import SearchPattern
from tests.support.sample_log import AGENT, CONVERSATION, FAILURE, USER, event, lines, write


@pytest.fixture
def log(tmp_path):
    return write(tmp_path / "a.hilt.jsonl", [*CONVERSATION, *FAILURE])


def event_ids(result) -> list[str]:
    return [json.loads(line)["event_id"] for line in result.out]


# --- matches


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["weather in paris"], [1]),
        (["weather  IN\nParis"], [1]),
        (["PARIS"], [1, 2, 3]),
        (["--case", "PARIS"], []),
        (["--case", "Paris"], [1, 2, 3]),
        (["get_weather"], [2, 3, 4, 5]),
        (["sunny"], [4, 5, 8]),
        (["sunny", "--action", "completion_chunk"], [7]),
        (["sunny", "--action", "completion"], [8]),
        (["ratelimit"], [21]),
        (["event-21"], [21]),
        (["gpt-5", "--until", "2026-01-31T12:00:03Z"], [2]),
        (["/p.ris/"], [1, 2, 3]),
        (["--regex", "^and"], [20]),
        (["^and"], []),
        (['{"city"'], [2, 3]),
        (["conv_5f2c1a9b7d3e", "--action", "system"], [21]),
    ],
)
def test_what_is_searched(words, numbers, hilt, log):
    result = hilt("search", *words, log, "--json")
    assert event_ids(result) == [f"event-{number}" for number in numbers]
    assert (result.code, result.err) == (0 if numbers else 1, [])
    counted = hilt("search", *words, log, "--count")
    assert counted.out == [str(len(numbers))]
    assert hilt("search", *words, log, "--count", "--json").out == [json.dumps({"count": len(numbers)})]


@pytest.mark.parametrize(
    "text", ["naïve", "NAÏVE", "日本", 'say "it"', "a\\b", "one two", "tab there", "a/b"]
)
@pytest.mark.parametrize("is_ascii", [True, False])
def test_however_json_spells_it(text, is_ascii, hilt, tmp_path):
    sentence = 'He was naïve in 日本; say "it", a\\b, one\ntwo, tab\tthere, a/b'
    line = json.dumps(event(1, "prompt", USER, sentence), ensure_ascii=is_ascii)
    (tmp_path / "a.jsonl").write_text(line.replace("a/b", "a\\/b") + "\n", encoding="utf-8")
    assert hilt("search", text, "a.jsonl", "--count").out == ["1"]


WORDS = st.text(st.sampled_from('abAB é日"\\/\n\t ._-\x00'), max_size=8)


@given(WORDS, WORDS, WORDS, st.booleans())
def test_a_line_that_holds_it_is_never_passed_over(before, words, after, is_case_sensitive):
    try:
        pattern = SearchPattern(words, is_case_sensitive=is_case_sensitive)
    except ValueError:
        return
    text = before + words + after
    assert pattern.find(text)
    line_filter = pattern.line_filter()
    for is_ascii in (True, False):
        line = json.dumps({"text": text}, ensure_ascii=is_ascii).encode()
        assert line_filter is None or line_filter(line)


@pytest.mark.parametrize("words", ["ticket-42", "conv_5f2c1a9b7d3e"])
def test_a_conversation_is_found_once_by_its_name(words, hilt, tmp_path):
    log = write(tmp_path / "a.hilt.jsonl", [*CONVERSATION, event(9, "prompt", USER, f"What is {words}?")])
    assert event_ids(hilt("search", words, log, "--json")) == ["event-1", "event-9"]


def test_a_step_of_a_chain_is_not_matched_by_conversation(hilt, tmp_path):
    step = event(0, "system", {"type": "system", "id": "chain"}, "started", provenance={"langchain": {}})
    log = write(tmp_path / "a.hilt.jsonl", [step, *CONVERSATION])
    assert event_ids(hilt("search", "ticket", log, "--json")) == ["event-1"]


def test_a_conversation_that_was_found_by_its_name_says_so(hilt, log):
    assert hilt("search", "ticket", log).out == [
        "2026-01-31 12:00:01  ticket-42          prompt       conversation: ticket-42"
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "there is nothing to search for"),
        ("  ", "there is nothing to search for"),
        ("/(/", "no regular expression: (: missing ), unterminated subpattern at position 0"),
    ],
)
def test_what_cannot_be_searched_for(words, complaint, hilt, log):
    assert hilt("search", words, log) == (2, [], [f"hilt: {complaint}"])


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "--", "-gpt"],
        ["--", "-gpt", "a.jsonl"],
        ["--count", "--", "-gpt", "a.jsonl", "-b.jsonl"],
    ],
)
def test_words_that_begin_with_a_dash_follow_two(words, hilt, tmp_path, monkeypatch):
    monkeypatch.setenv("HILT_PATH", "a.jsonl")
    for name in ("a.jsonl", "-b.jsonl"):
        write(tmp_path / name, [event(1, "prompt", USER, "not-gpt")])
    result = hilt("search", *words)
    assert (result.code, len(result.out), result.err) == (0, 1, [])


def test_file_after_file_the_newest_at_the_end(hilt, tmp_path):
    import os

    for number, name in enumerate(("b", "a", "c")):
        path = write(tmp_path / f"{name}.jsonl", [event(number, "prompt", USER, "x")])
        os.utime(path, (number, number))
    assert event_ids(hilt("search", "x", "*.jsonl", "--json")) == ["event-0", "event-1", "event-2"]


# --- lines


def test_a_line_an_event_with_its_conversation(hilt, log):
    assert hilt("search", "paris", log).out == [
        "2026-01-31 12:00:01  ticket-42          prompt       How is the weather in Paris?",
        '2026-01-31 12:00:02  ticket-42          completion   assistant: get_weather({"city": "Paris"})',
        '2026-01-31 12:00:03  ticket-42          tool_call    {"city": "Paris"}',
    ]


def test_what_was_found_is_marked(hilt, log):
    (line,) = hilt("search", "weather in", log, "--color", "always").out
    head = "\x1b[2m2026-01-31 12:00:01\x1b[0m  ticket-42          \x1b[36mprompt     \x1b[0m  "
    assert line == f"{head}How is the \x1b[1;31mweather in\x1b[0m Paris?"


WIDE = "2026-01-31 12:00:01  ticket-42          completion   "
NARROW = "01-31 12:00  ticket-42          "


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (100, f"{WIDE}…d word word NEEDLE word word word word word w…"),
        (60, f"{NARROW}…word NEEDLE word word word…"),
    ],
)
def test_the_words_around_have_as_much_room_as_there_is(width, line, hilt, tmp_path, monkeypatch):
    write(tmp_path / "a.jsonl", [event(1, "completion", AGENT, "word " * 99 + "NEEDLE " + "word " * 99)])
    monkeypatch.setenv("COLUMNS", str(width))
    assert hilt("search", "needle", "a.jsonl").out == [line]
    assert len(line) <= width


def test_what_is_found_is_harmless(hilt, tmp_path):
    text = "\x1b]0;owned\x07 nee\x1b[2Jdle \u202e"
    write(tmp_path / "a.jsonl", [event(1, "prompt", USER, text)])
    (line,) = hilt("search", "/nee.*dle/", "a.jsonl").out
    assert line.endswith("  \\x1b]0;owned\\x07 nee\\x1b[2Jdle \\u202e")


def test_bad_lines_that_cannot_hold_it_are_not_even_read(hilt, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"not json\nnor this: paris\n" + lines(CONVERSATION))
    result = hilt("search", "paris", "a.jsonl", "--count")
    assert (result.out, [line.partition(": not")[0] for line in result.err]) == (["3"], ["hilt: a.jsonl:2"])
