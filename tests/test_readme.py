"""The snippets of the README and of the reference run, against the providers of this machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hilt_autolog
from tests.support.stories import events, story

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "hilt_autolog" / "docs").glob("*.md"))
PAGES = {str(page.relative_to(ROOT)): page for page in [ROOT / "README.md", *DOCS]}


@pytest.fixture
def run(provider, monkeypatch, tmp_path):
    """Run the Python under a mark of a page of the reference, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "offline")

    def run(mark, page):
        text = (ROOT / "hilt_autolog" / "docs" / page).read_text(encoding="utf-8")
        (code,) = re.findall(rf"^<!-- {mark} -->\n```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        names = {"__name__": "reference"}
        exec(compile(code, f"{mark} in {page}", "exec"), names)
        return names

    yield run
    hilt_autolog.disable()


pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # no snippet closes its client


def test_the_helpers(run, capsys):
    names = run("helpers", "hilt-compatibility.md")
    assert (names["text"], capsys.readouterr().out) == ("1 2 3 4 5", "1\n 2\n 3\n 4\n 5\n")
    assert [one[0] for one in story("logs/openai.hilt.jsonl") if one[0] != "completion_chunk"] == [
        *("prompt", "completion") * 2,
        *("prompt", "retrieval", "completion"),
    ]


def test_instrument(run):
    session = run("instrument", "hilt-compatibility.md")["session"]
    assert str(session.filepath) == "logs/chat.jsonl"
    assert not hilt_autolog.status().enabled


def test_the_handler_of_langchain(run):
    text = run("langchain", "hilt-compatibility.md")["result"]
    assert [(one[0], one[2]) for one in story("logs/langchain.hilt.jsonl")] == [
        ("prompt", "Explain the HILT format in one sentence."),
        ("completion", text),
    ]


def test_own_events(run):
    run("own events", "python-api.md")
    log = hilt_autolog.status().path
    assert [(one[0], one[3]) for one in story(log)] == [
        ("prompt", None),
        ("completion", 0),
        ("tool_call", 1),
        ("retrieval", 2),
        ("tool_result", 2),
        ("prompt", 4),
        ("completion", 5),
        ("feedback", 6),
    ]
    recorded = events(log)
    assert {event["extensions"]["conversation"] for event in recorded} == {"ticket-42"}
    assert ["tags" in event["extensions"] for event in recorded] == [True] * 7 + [False]


# --- the pages themselves


def anchors(page):
    """The fragments that the headings of a page can be linked by."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        name, _, fragment = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), target
        assert not fragment or fragment in anchors(path), target


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_a_topic_begins_with_a_title_and_a_summary(page):
    title, blank, summary, end, *_ = page.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"# \S.*", title)
    assert re.fullmatch(r"\S.{10,118}\.", summary)
    assert (blank, end) == ("", "")
