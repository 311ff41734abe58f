"""`enable(sheets=...)`: a live copy of automatic capture, which the program never notices."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import hilt_autolog
from hilt_autolog.sinks.checkpoint import pending_copies
from tests.support.sheets import ROOT, run

ASK = """
    import hilt_autolog
    from openai import OpenAI
    def ask(text, **more):
        with OpenAI(api_key="offline", base_url={base_url!r}, max_retries=0) as client:
            message = dict(role="user", content=text)
            answer = client.chat.completions.create(model="gpt-4o-mini", messages=[message], **more)
            return list(answer) if more else answer

"""
ENABLE = "    hilt_autolog.enable(sheets=SHEET)\n"

UNTIL_ALL_IS_THERE = """
    from hilt_autolog.sinks.checkpoint import pending_copies
    until = time.monotonic() + 20
    while any(pending_copies("logs").values()) and time.monotonic() < until:
        time.sleep(0.02)
"""


@pytest.fixture
def program(sheet, provider, tmp_path):
    """Run a program that asks a model on this machine, and is copied to the spreadsheet."""
    (tmp_path / "key.json").write_text(json.dumps(sheet.key))

    def start(script, *, enable=ENABLE, **variables):
        environ = {"PATH": "/usr/bin:/bin", "GOOGLE_CREDENTIALS_PATH": str(tmp_path / "key.json")}
        code = ASK.format(base_url=provider.base_url) + enable + script
        return run(sheet, code, tmp_path, env=environ | variables)

    return start


def logged():
    """The texts of the log, as the sheet should have them."""
    events = hilt_autolog.read("logs")
    return [
        event["content"]["text"]
        for event in events
        if event["action"] != "completion_chunk" and event["actor"]["id"] != "hilt-autolog"
    ]


def test_calls_are_rows_when_the_program_has_ended(sheet, program):
    done = program("    ask('one'); ask('two', stream=True)\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sheet.column("action") == ["prompt", "completion"] * 2
    assert sheet.column("message") == logged()
    assert sheet.column("message")[::2] == ["one", "two"]
    assert all(isinstance(tokens, int) for tokens in sheet.column("tokens_in")[1:2])


def test_rows_are_copied_and_reported_while_the_program_runs(sheet, program):
    script = """
    ask('one')
    until = time.monotonic() + 10
    while hilt_autolog.status().sheets != (2, 0, None):
        assert time.monotonic() < until, hilt_autolog.status().sheets
        time.sleep(0.01)
    os._exit(7)
"""
    done = program(script)
    assert (done.returncode, done.stderr) == (7, "")
    assert sheet.column("message") == logged()


def test_after_a_kill_the_next_start_copies_what_is_left(sheet, program):
    program("    [ask(str(n)) for n in range(5)]\n    os.kill(os.getpid(), signal.SIGKILL)\n")
    before = len(sheet.rows()) if "Logs" in sheet.book.worksheets else 0
    assert before < 10
    assert program("    ask('last')\n" + UNTIL_ALL_IS_THERE).stderr == ""
    assert sorted(sheet.column("message")) == sorted(logged())
    assert len(logged()) == 12


def test_an_unreachable_api_costs_only_the_final_wait(sheet, program):
    sheet.google.is_down = True
    shorter = "    import hilt_autolog.sinks.mirror; hilt_autolog.sinks.mirror.EXIT_TIMEOUT = 1.0\n"
    done = program(shorter + "    [ask(str(n)) for n in range(3)]; print('done')\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    assert len(logged()) == 6
    assert any(pending_copies("logs").values())
    sheet.google.is_down = False
    program("    ask('up again')\n" + UNTIL_ALL_IS_THERE)
    assert sorted(sheet.column("message")) == sorted(logged())
    assert len(logged()) == 8


def test_a_failing_copy_is_reported_by_status_alone(sheet, program):
    sheet.book.editors.clear()
    script = """
    ask('one')
    until = time.monotonic() + 10
    while not hilt_autolog.status().sheets.trouble and time.monotonic() < until:
        time.sleep(0.01)
    print(hilt_autolog.status().sheets.trouble)
"""
    done = program(script)
    assert "is not shared with robot@" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    assert len(logged()) == 2


def test_forked_children_copy_their_own_logs(sheet, program):
    script = """
    ask('parent')
    for _ in range(3):
        child = os.fork()
        if not child:
            ask('child')
            sys.exit()
        os.waitpid(child, 0)
    ask('parent again')
"""
    done = program(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(sheet.column("message")) == sorted(logged())
    assert len(logged()) == 10
    assert len(list(Path("logs").glob("*.hilt.jsonl"))) == 4


def test_processes_that_share_a_log_copy_it_once(sheet, program):
    script = """
    ask('parent')
    children = [os.fork() or (ask('child'), sys.exit()) for _ in range(3)]
    for child in children:
        os.waitpid(child, 0)
    ask('parent again')
"""
    enable = "    hilt_autolog.enable(sheets=SHEET, path='logs/one.hilt.jsonl')\n"
    done = program(script, enable=enable)
    assert (done.returncode, done.stderr) == (0, "")
    program("    ask('another run')\n", enable=enable)
    assert sorted(sheet.column("message")) == sorted(logged())
    assert len(logged()) == 12


def test_other_settings_and_disabling_lose_no_row(sheet, program):
    script = """
    hilt_autolog.enable()
    ask('one')
    with hilt_autolog.enable(tags=['night']):
        ask('two')
    ask('three')
    hilt_autolog.disable()
    ask('not recorded')
    time.sleep(0.5)
"""
    done = program(script, enable="", HILT_SHEETS_ID=sheet.id)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(sheet.column("message")) == sorted(logged())
    assert len(logged()) == 6


def test_hilt_run_takes_it_as_an_option(sheet, provider, tmp_path):
    (tmp_path / "key.json").write_text(json.dumps(sheet.key))
    (tmp_path / "app.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT / 'examples')!r})\n"
        f"from offline_sheets import route; route({sheet.server.url!r})\n"
        f"import hilt_autolog; hilt_autolog.enable()\n"
        f"from openai import OpenAI\n"
        f"client = OpenAI(api_key='offline', base_url={provider.base_url!r})\n"
        "client.chat.completions.create(model='gpt-4o-mini', messages=[{'role': 'user', 'content': 'hi'}])\n"
    )
    hilt_run = (
        "import sys; sys.argv[0] = 'hilt-run'; from hilt_autolog.launcher.run import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", hilt_run, "--sheets", sheet.id, sys.executable, "app.py"]
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "GOOGLE_CREDENTIALS_PATH": "key.json"}
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert sheet.column("action") == ["prompt", "completion"]


def test_nothing_of_it_is_loaded_where_it_is_not_wanted(program):
    script = "    ask('one'); print([name for name in sys.modules if '.sinks' in name])\n"
    assert program(script, enable="    hilt_autolog.enable()\n").stdout == "[]\n"
