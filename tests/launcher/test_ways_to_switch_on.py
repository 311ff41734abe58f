"""Three ways to enable recording: however and whenever it begins, the log of a call is the same."""

from __future__ import annotations

import json

import pytest

PROGRAM = """
import os, sys

def door(moment):
    if moment in sys.argv[1:]:
        import hilt_autolog
        hilt_autolog.enable()

door("first")
import openai
door("imported")
client = openai.OpenAI(api_key="offline", base_url=os.environ["PROVIDER"])
door("client made")
create = client.chat.completions.create
door("method taken")
print(create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hello"}]).choices[0].message.role)
"""
RESTORE = """
import sys, types
import openai, openai.resources.chat.completions, openai.resources.responses
import hilt_autolog

modules = [module for name, module in sys.modules.items() if name.startswith("openai")]
classes = {c for module in modules for c in list(vars(module).values()) if isinstance(c, type)}

def functions():
    # as they are in the classes' own dictionaries, not what attribute access makes of them
    return {(c, name): f for c in classes for name, f in vars(c).items() if isinstance(f, types.FunctionType)}

before = functions()
for _ in range(10):
    hilt_autolog.enable()
    hilt_autolog.enable()
    during = functions()
    hilt_autolog.disable()
    hilt_autolog.disable()
with hilt_autolog.enable():
    pass
after = functions()
print(len(before) > 500, len([key for key in before if during.get(key) is not before[key]]) > 1)
print(before.keys() == after.keys(), [key for key in before if before[key] is not after[key]])
print([f for f in sys.meta_path if type(f).__module__.startswith("hilt")])
"""


@pytest.fixture
def ask(tmp_path, provider, installed, run):
    """Run the program, by Python or by the command given before it."""
    (tmp_path / "app.py").write_text(PROGRAM)

    def start(*doors, by=(), **variables):
        return run(*(by or [installed]), "app.py", *doors, PROVIDER=provider.base_url, **variables)

    return start


@pytest.fixture
def hilt_run(installed):
    return installed.with_name("hilt-run")


@pytest.fixture
def events(tmp_path):
    """Read the one log."""

    def read() -> list[dict]:
        (log,) = tmp_path.rglob("*.jsonl")
        return [json.loads(line) for line in log.read_text().splitlines()]

    return read


@pytest.fixture
def recorded(events):
    """Is everything as ever for the program, and the one call in the log once?"""

    def check(done) -> bool:
        actions = [event["action"] for event in events()]
        assert (done.returncode, done.stdout, done.stderr) == (0, "assistant\n", "")
        return actions == ["system", "prompt", "completion", "system"]

    return check


@pytest.mark.parametrize("moment", ["first", "imported", "client made", "method taken"])
def test_enable_records_whatever_was_there_before_it(moment, ask, recorded):
    assert recorded(ask(moment))


@pytest.mark.parametrize("doors", [(), ("first", "method taken")], ids=["alone", "and enable"])
def test_the_variable_records_and_enable_beside_it_changes_nothing(doors, ask, recorded):
    assert recorded(ask(*doors, HILT_AUTOLOG="1"))


def test_hilt_run_records_and_the_variable_beside_it_changes_nothing(ask, recorded, hilt_run):
    assert recorded(ask(by=[hilt_run], HILT_AUTOLOG="1"))


def test_hilt_run_s_options_are_obeyed(ask, events, hilt_run):
    ask(by=[hilt_run, "--path", "logs/one.jsonl", "--user", "ana", "--content", "none"])
    assert [event["actor"]["id"] for event in events() if event["action"] == "prompt"] == ["ana"]
    assert "hello" not in json.dumps(events())


def test_without_being_enabled_nothing_is_recorded(ask, tmp_path):
    assert ask().stdout == "assistant\n"
    assert [path.name for path in tmp_path.iterdir()] == ["app.py"]


def test_a_wrong_variable_is_a_line_and_the_program_runs(ask):
    done = ask(HILT_AUTOLOG="1", HILT_CHUNKS="evry")
    assert (done.returncode, done.stdout) == (0, "assistant\n")
    assert done.stderr == "hilt: HILT_CHUNKS='evry': not one of each, merged, off (ignored)\n"


def test_disable_gives_back_the_very_functions(installed, run):
    done = run(installed, "-c", RESTORE)
    assert (done.stdout, done.stderr) == ("True True\nTrue []\n[]\n", "")


@pytest.mark.parametrize("again", [False, True])
def test_a_relative_path_starts_at_the_folder_of_enable(again, installed, run, tmp_path):
    program = (
        "import os, hilt_autolog; hilt_autolog.enable(path='a.jsonl'); os.chdir('/');"
        + ("hilt_autolog.enable(user='ana');" if again else "")
        + "print(hilt_autolog.record_feedback('good') is not None, hilt_autolog.status().path)"
    )
    done = run(installed, "-c", program)
    assert (done.stdout, done.stderr) == (f"True {tmp_path / 'a.jsonl'}\n", "")
