"""hilt docs: the topics, and one of them."""

from __future__ import annotations

import sys

import pytest

from hilt_autolog.cli.commands import completion, docs
from hilt_autolog.cli.render import terminal

PRIVACY = """\
# Privacy

What is *not* written:

- keys
- **secrets**\x1b[2J
"""


@pytest.fixture
def topics(tmp_path, monkeypatch):
    """A reference of three topics, and a file that is none."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "privacy.md").write_text(PRIVACY)
    (folder / "event-format.md").write_text("\n# The event format\n\n# More\n")
    (folder / "sdk-coverage.md").write_text("No heading.\n")
    (folder / "notes.txt").write_text("# Notes\n")
    monkeypatch.setattr(docs, "FOLDER", folder)
    return folder


def test_the_topics_with_their_summaries(topics, hilt):
    assert hilt("docs") == (
        0,
        [
            "event-format  The event format",
            "privacy       What is *not* written:",
            "sdk-coverage  No heading.",
            "",
            "`hilt docs TOPIC` shows one.",
        ],
        [],
    )


@pytest.mark.parametrize("name", ["privacy", "Privacy", "privacy.md"])
def test_a_topic_as_plain_text(name, topics, hilt):
    assert hilt("docs", name) == (
        0,
        ["# Privacy", "", "What is *not* written:", "", "- keys", "- **secrets**\\x1b[2J"],
        [],
    )


def test_a_topic_as_markdown(topics, hilt, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert hilt("docs", "privacy", "--color", "always") == (
        0,
        [
            "                \x1b[1;4mPrivacy\x1b[0m",
            "",
            "What is \x1b[3mnot\x1b[0m written:",
            "",
            "\x1b[1m • \x1b[0mkeys",
            "\x1b[1m • \x1b[0m\x1b[1msecrets\x1b[0m\\x1b[2J",
        ],
        [],
    )
    assert hilt("docs", "privacy", "--color", "always", "--plain").out[0] == "# Privacy"


def test_without_rich_it_is_plain(topics, hilt, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert hilt("docs", "privacy", "--color", "always").out[0] == "# Privacy"


@pytest.mark.parametrize(
    ("topic", "hint"),
    [
        ("privcy", " (did you mean privacy?)"),
        ("SDK", " (did you mean sdk-coverage?)"),
        ("a", " (did you mean event-format or privacy or sdk-coverage?)"),
        ("xyz", ": choose one of event-format, privacy, sdk-coverage"),
        ("notes", ": choose one of event-format, privacy, sdk-coverage"),
        ("../pyproject", ": choose one of event-format, privacy, sdk-coverage"),
        ("", ": choose one of event-format, privacy, sdk-coverage"),
    ],
)
def test_an_unknown_topic(topic, hint, topics, hilt):
    assert hilt("docs", topic) == (2, [], [f"hilt: there is no topic {topic!r}{hint}"])


def test_a_reference_that_is_not_installed(tmp_path, hilt, monkeypatch):
    monkeypatch.setattr(docs, "FOLDER", tmp_path / "docs")
    message = f"hilt: the reference is not installed: no *.md in {tmp_path / 'docs'}"
    assert hilt("docs") == hilt("docs", "privacy") == (3, [], [message])


def test_a_topic_is_paged_on_a_terminal(topics, hilt, tmp_path, monkeypatch):
    monkeypatch.setattr(terminal, "is_terminal", lambda stream: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    program = 'import sys; open("paged", "w").write(sys.stdin.read())'
    monkeypatch.setenv("PAGER", f"{sys.executable} -c '{program}'")
    monkeypatch.chdir(tmp_path)
    assert hilt("docs", "event-format") == (0, [], [])
    assert (tmp_path / "paged").read_text() == "\n# The event format\n\n# More\n"
    assert hilt("docs", "event-format", "--no-pager").out == ["", "# The event format", "", "# More"]


def test_completion_knows_the_topics(topics, hilt):
    for shell in ("bash", "fish"):
        assert "event-format privacy sdk-coverage" in "\n".join(hilt("completion", shell).out)
    assert completion.options("docs")[1].names == ("--plain",)


def test_the_reference_itself(hilt):
    names = docs.topics()
    assert {"event-format", "settings", "what-is-recorded", "privacy", "limits", "cli"} <= set(names)
    for name in names:
        (first, *_) = hilt("docs", name, "--plain").out
        assert first.startswith("# ")
