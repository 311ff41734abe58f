"""What is let through to a terminal, how wide it is, and when it is coloured."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt_autolog.cli.render.part_renderer import render_markdown, wrap_text
from hilt_autolog.cli.render.table import table_lines
from hilt_autolog.cli.render.terminal import (
    Screen,
    cell_width,
    escape_controls,
    escape_line,
    pad,
    single_line,
    stdout_screen,
)

PLAIN = Screen(width=None, has_colours=False)


# --- harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x00b\x7f", "a\\x00b\\x7f"),
        ("back\x08\x08", "back\\x08\\x08"),
        ("over\rwritten", "over\\rwritten"),
        ("\u202eevil\u202c \u2066x\u2069 \u200f\u061c", "\\u202eevil\\u202c \\u2066x\\u2069 \\u200f\\u061c"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("hidden\U000e0041", "hidden\\U000e0041"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\ud800", "\\ud800"),
        ("one\r\ntwo\n\tthree", "one\ntwo\n\tthree"),
        ("naïve 日本 \u00a0 \u3000 👩\u200d🚀", "naïve 日本 \u00a0 \u3000 👩\u200d🚀"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(text, shown):
    assert escape_controls(text) == shown


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Lu"])))
def test_no_letter_that_is_obeyed_passes(text):
    for shown in (escape_controls(text), escape_line(text), single_line(text)):
        assert {c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} <= set(
            "\n\t\u200c\u200d"
        )
    assert not set("\n\t") & set(escape_line(text))
    assert not set("\n\t") & set(single_line(text))


# --- wide


def test_the_width_of_letters():
    assert [cell_width(text) for text in ("abc", "日本", "e\u0301", "\uff46", "")] == [3, 4, 1, 2, 0]
    assert pad("日本", 6) == "日本  "
    assert pad("日本", 6, ">") == "  日本"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("ab cdef", 4, "ab…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("abc", None, "abc"),
    ],
)
def test_text_is_cut_by_cells(text, width, shown):
    assert PLAIN.truncate(text, width) == shown


@given(st.text(), st.integers(20, 60), st.none() | st.integers(1, 5))
def test_no_line_is_wider_than_asked(text, width, max_lines):
    lines = wrap_text(text, width, max_lines=max_lines)
    shown = lines[:-1] if max_lines is not None and len(lines) > max_lines else lines
    assert all(cell_width(line) <= width for line in shown)
    assert max_lines is None or len(shown) <= max_lines


def test_words_are_wrapped_below_the_indent_of_their_line():
    assert wrap_text("  if a and b:\n    return the_sum_of_all_that_was_said", 22) == [
        "  if a and b:",
        "    return",
        "    the_sum_of_all_tha",
        "    t_was_said",
    ]


def test_a_long_text_is_shortened_and_says_so():
    assert wrap_text("a\nb\nc\nd", None, max_lines=2) == [
        "a",
        "b",
        "[shortened from 7 characters; --full shows them]",
    ]
    assert len(wrap_text("x" * 10**7, 80, max_lines=3)) == 4


def test_a_table_shortens_words_and_no_figures():
    columns = {"when": "<", "name": "~", "n": ">", "words": "~"}
    rows = [["today", "a-rather-long-name", "1234567", "what was said first of all"]]
    assert table_lines(columns, rows, PLAIN) == [
        "when   name                      n  words",
        "today  a-rather-long-name  1234567  what was said first of all",
    ]
    narrow = table_lines(columns, rows, Screen(width=40, has_colours=False))
    assert narrow == [
        "when   name               n  words",
        "today  a-rather-l…  1234567  what was s…",
    ]
    assert table_lines(columns, rows, Screen(width=3, has_colours=False))[1].startswith("today  …  1234567")


# --- Markdown


def test_markdown_needs_rich_and_is_recognized_by_its_signs(monkeypatch):
    assert render_markdown("# Title\n\nText", 40) is not None
    assert render_markdown("just\nlines - and 2 * 3", 40) is None
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert render_markdown("# Title\n\nText", 40) is None


@given(
    st.lists(
        st.sampled_from(["# a", "**b**", "- c", "```", "|d|e|", "\x1b[2J", "\u202e", "\n", " ", "日本"])
    ).map("".join)
)
def test_rendered_markdown_is_harmless_and_keeps_to_the_width(text):
    for line in render_markdown(text, 40) or []:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
        assert escape_controls(plain) == plain
        assert cell_width(plain) <= 40


# --- coloured


@pytest.mark.parametrize(
    ("option", "variables", "is_terminal", "coloured"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, True, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_when_there_are_colours(option, variables, is_terminal, coloured, monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    screen = stdout_screen(option)
    assert screen.has_colours is coloured
    assert screen.styled("x", "bold", "red") == ("\x1b[1;31mx\x1b[0m" if coloured else "x")
