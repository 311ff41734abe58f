"""The commands and snippets of the README and of the reference run, against the providers of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hilt_autolog
from tests.examples.test_chatbot_api import chatbot
from tests.support import example_runner
from tests.support.helper_logs import events, summary

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "hilt_autolog" / "docs").glob("*.md"))
PAGES = {str(page.relative_to(ROOT)): page for page in [ROOT / "README.md", *DOCS]}
README = PAGES["README.md"].read_text(encoding="utf-8")
MAX_LINES = 260
RECIPES = re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
WIDTH = 100  # of the terminal on which the README's output was printed
TEST_FILE = """
from helpdesk import main

def test_the_tickets():
    main()
"""


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
    assert [one[0] for one in summary("logs/openai.hilt.jsonl") if one[0] != "completion_chunk"] == [
        *("prompt", "completion") * 2,
        *("prompt", "retrieval", "completion"),
    ]


def test_instrument(run):
    session = run("instrument", "hilt-compatibility.md")["session"]
    assert str(session.filepath) == "logs/chat.jsonl"
    assert not hilt_autolog.status().enabled


def test_the_handler_of_langchain(run):
    text = run("langchain", "hilt-compatibility.md")["result"]
    assert [(one[0], one[2]) for one in summary("logs/langchain.hilt.jsonl")] == [
        ("prompt", "Explain the HILT format in one sentence."),
        ("completion", text),
    ]


def test_own_events(run):
    run("own events", "python-api.md")
    log = hilt_autolog.status().path
    assert [(one[0], one[3]) for one in summary(log)] == [
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


def test_the_readme_is_short():
    assert len(README.splitlines()) <= MAX_LINES


# --- the README's commands, and the output that it shows


def plain(text):
    """Return an output without what differs from run to run: figures, widths of columns, places of cuts."""
    text = re.sub(r"\$?<?\$?\d[\d.,:]*(?:e-\d+)?(?: ?m?s\b)?|\S*…", "0", text)
    return [" ".join(line.split()) for line in text.splitlines()]


def is_output(shown, printed):
    """Return whether an output is as it is shown, where a line `...` matches any lines."""
    lines = [r"(?:.*\n)*?" if line == "..." else re.escape(line) + "\n" for line in plain(shown)]
    return re.fullmatch("".join(lines), "".join(f"{line}\n" for line in plain(printed)))


def steps(recipe):
    """Return the commands of a recipe, each with the output that is shown."""
    return [tuple(step.split("\n", 1)) for step in re.split(r"^\$ ", recipe, flags=re.MULTILINE)[1:]]


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """A folder of the commands that the recipes call."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "python").symlink_to(sys.executable)
    for name, words in {
        "python": (),
        "hilt": ("-m", "hilt_autolog"),
        "hilt-run": ("-c", f'"{example_runner.HILT_RUN}"'),
    }.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_text(" ".join(["#!/bin/sh\nexec", sys.executable, *words, '"$@"']))
        (folder / name).chmod(0o700)
    return folder


@pytest.fixture(scope="module")
def helpdesk_logs(tmp_path_factory):
    """The logs of examples/helpdesk.py."""
    folder = tmp_path_factory.mktemp("helpdesk")
    done = example_runner.run(example_runner.commands("helpdesk.py")["hilt-run"], folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "logs"


@pytest.fixture
def shell(tmp_path, commands):
    """Run a command of a recipe; return what it prints."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "examples")])
    environ = {"PATH": os.pathsep.join([str(commands), os.environ["PATH"]]), "COLUMNS": str(WIDTH)}

    def shell(command):
        env = example_runner.environment(**environ) | {"PYTHONPATH": paths}
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=env, check=False, **output)
        assert done.returncode == 0, done.stdout
        return done.stdout

    return shell


@pytest.mark.parametrize("recipe", [one for one in RECIPES if "curl" not in one])
def test_a_recipe_prints_what_the_readme_shows(recipe, shell, helpdesk_logs, tmp_path):
    shutil.copytree(helpdesk_logs, tmp_path / "logs")
    (tmp_path / "test_helpdesk.py").write_text(TEST_FILE)
    for command, shown in steps(recipe):
        printed = shell(command)
        assert is_output(shown, printed), f"{command}\n{printed}"


def test_the_recipe_of_the_web_service(shell, tmp_path):
    (recipe,) = [one for one in RECIPES if "curl" in one]
    (curl, answer), (show, shown) = steps(recipe)
    with chatbot(tmp_path) as client:
        body = re.search("--json '(.*)'", curl)[1]
        response = client.post("/chat", content=body, headers={"content-type": "application/json"})
        assert response.text == answer.rstrip()
    printed = shell(show)
    assert is_output(shown, printed), printed


def test_the_quickstart_prints_what_the_readme_shows(tmp_path):
    command = example_runner.commands("quickstart.py")["hilt-run"]
    done = example_runner.run(command, tmp_path, COLUMNS=str(WIDTH))
    (shown,) = re.findall(
        r"^<!-- quickstart output -->\n```text\n([^`]*)^hilt: [^`]*```", README, re.MULTILINE
    )
    table = done.stdout.split("\n\n")[-1]
    assert is_output(shown, table), table
