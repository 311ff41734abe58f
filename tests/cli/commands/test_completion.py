"""hilt completion: what the shells make of the scripts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache

import pytest

from hilt_autolog.cli import COMMANDS
from hilt_autolog.cli.commands.completion import options
from hilt_autolog.format import ACTIONS
from tests.support import wheels

BASH = """
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_hilt
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
OPTIONS = {name: {word for option in options(name) for word in option.names} for name in COMMANDS}


@cache
def script(shell: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hilt_autolog", "completion", shell],
        cwd=wheels.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def by_bash(line: str) -> list[str]:
    """Return what bash would offer for the last word of a line."""
    words = " ".join(f"'{word}'" for word in line.split(" "))
    return answered(["bash", "--norc", "-c", script("bash") + BASH.format(words=words)])


def by_fish(line: str) -> list[str]:
    program = f"source; complete -C '{line}'"
    return [word.split("\t")[0] for word in answered(["fish", "--no-config", "-c", program], script("fish"))]


def by_zsh(line: str) -> list[str]:
    """Return what zsh would offer: the words that its own functions get, printed instead of shown."""
    program = f"""
    _describe() {{ for word in ${{(P)2}}; do print -r -- ${{word%%:*}}; done }}
    _values() {{ shift; print -rl -- $@ }}
    _arguments() {{ print -rl -- ${{${{${{@:#-s}}%%\\[*}}:#\\**}} ${{(M)@:#\\**}} }}
    compdef() {{ }}
    {script("zsh")}
    words=({line} ''); CURRENT=$#words
    _hilt
    """
    return answered(["zsh", "-f", "-c", program])


def answered(command: list[str], stdin: str = "") -> list[str]:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def shells(*names: str):
    marks = {
        name: [] if shutil.which(name) else [pytest.mark.skip(reason=f"no {name} here")] for name in names
    }
    return [pytest.param(globals()[f"by_{name}"], id=name, marks=mark) for name, mark in marks.items()]


@pytest.mark.parametrize("complete", shells("bash", "fish"))
def test_commands(complete):
    assert set(COMMANDS) <= set(complete("hilt "))
    assert set(complete("hilt s")) == {name for name in COMMANDS if name.startswith("s")}


@pytest.mark.parametrize("complete", shells("bash", "fish"))
@pytest.mark.parametrize("command", COMMANDS)
def test_options_of_a_command(complete, command):
    assert set(complete(f"hilt {command} --")) == {word for word in OPTIONS[command] if word.startswith("--")}


@pytest.mark.parametrize("complete", shells("bash", "fish"))
def test_choices_of_an_option(complete):
    assert sorted(complete("hilt tail --color ")) == ["always", "auto", "never"]
    assert sorted(complete("hilt search x --action ")) == sorted(ACTIONS)
    assert complete("hilt show --action emb") == ["embedding"]
    assert not any(complete("hilt tail --since "))
    assert {"bash", "zsh", "fish"} <= set(complete("hilt completion "))


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh here")
def test_zsh():
    assert by_zsh("hilt") == list(COMMANDS)
    assert by_zsh("hilt help") == list(COMMANDS)
    offered = by_zsh("hilt tail")
    assert {word for one in offered for word in one.strip("{}").split(",")} >= {
        "--json",
        "--since",
        "--color",
    }
    assert offered[-1] == "*:file:_files"


def test_elsewhere_the_shell_completes_files():
    assert by_bash("hilt tail lo") == [""]
    assert "complete -o default" in script("bash")


def test_the_help_says_where_the_scripts_go(hilt):
    result = hilt("completion", "--help").out
    assert 'bash:  eval "$(hilt completion bash)"              in ~/.bashrc' in result


def test_a_shell_that_is_not_known(hilt):
    result = hilt("completion", "tcsh")
    assert result.code == 2
    assert "invalid choice: 'tcsh'" in result.err[-1]
