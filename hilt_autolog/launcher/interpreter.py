"""Which Python a command will use, and whether our start-up files are at work there."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # type checkers know the name; typing would double the time that hilt-run takes
if TYPE_CHECKING:
    from collections.abc import Mapping

_ABSENT = 3
_PROBE = (
    f"import sys; sys.exit(0 if 'hilt_autolog.instrumentation.import_hook' in sys.modules else {_ABSENT})"
)


def why_not_recorded(command: list[str], environ: Mapping[str, str]) -> str | None:
    """Return why nothing will be recorded of a command, in a line, if that can be seen beforehand.

    A Python that is not ours is started once, to see whether the start-up files are at work there.

    Args:
        command: program and arguments; programs that are not Python are taken as they are.
        environ: the environment that the command will have.
    """
    path, *arguments = python_of(command, environ) or [""]
    if not path:
        return None
    if flag := _blocking_option(arguments):
        return f"{path} {flag} shuts us out: nothing will be recorded unless the program calls enable()"
    if _is_ours(path) or _is_equipped(path, environ):
        return None
    name = os.path.basename(path)
    pip = name if find(name, environ) == path else path
    return (
        f"hilt-autolog is not installed for {path}: nothing will be recorded"
        f" ({pip} -m pip install hilt-autolog)"
    )


def python_of(command: list[str], environ: Mapping[str, str]) -> list[str] | None:
    """Return the Python that a command starts, itself or by a script's first line, with its arguments."""
    program = find(command[0], environ)
    if program is None:
        return None
    if not _is_python(program):
        interpreter, *arguments = _shebang(program) or [""]
        if os.path.basename(interpreter) == "env":
            interpreter, *arguments = _after_env(arguments) or [""]
        program = find(interpreter, environ)
        command = [interpreter, *arguments, *command]
    return [program, *command[1:]] if program and _is_python(program) else None


def find(program: str, environ: Mapping[str, str]) -> str | None:
    """Return the file that runs as `program`, as execvp(3) finds it; None if there is none."""
    folders = [""] if os.path.dirname(program) else os.get_exec_path(environ)
    places = (os.path.join(folder, program) for folder in folders)
    return next((place for place in places if os.path.isfile(place) and os.access(place, os.X_OK)), None)


def _is_python(path: str) -> bool:
    name = os.path.basename(path).removesuffix(".exe")
    if not name.startswith(("python", "pypy")):
        return False
    version = name.removeprefix("python").removeprefix("pypy").rstrip("dtw")
    return not version or version.replace(".", "").isdecimal()


def _shebang(script: str) -> list[str]:
    """Return the words of a script's first line; of its second where pip had to reach Python through sh."""
    try:
        with open(script, "rb") as file:
            first, _, rest = os.fsdecode(file.read(1024)).partition("\n")
    except OSError:
        return []
    second = rest.partition("\n")[0]
    if first.startswith("#!/bin/sh") and second.startswith("'''exec' "):
        quoted = second.removeprefix("'''exec' ").split('"')
        return [quoted[1]] if quoted[0] == "" else quoted[0].split()[:1]
    return first.removeprefix("#!").split() if first.startswith("#!") else []


def _after_env(words: list[str]) -> list[str]:
    """Drop the options and assignments of env(1)."""
    for place, word in enumerate(words):
        if not word.startswith("-") and "=" not in word:
            return words[place:]
    return []


def _blocking_option(arguments: list[str]) -> str | None:
    """Return the option (-I, -E or -S) that shuts start-up files or HILT_AUTOLOG out, if there is one."""
    words = iter(arguments)
    for word in words:
        if not word.startswith("-") or word == "-":
            return None
        if word == "--check-hash-based-pycs":
            next(words, None)
        for place, letter in enumerate("" if word.startswith("--") else word[1:], 2):
            if letter in "IES":
                return f"-{letter}"
            if letter in "cm":  # the rest is the program's
                return None
            if letter in "WX":
                if place == len(word):
                    next(words, None)
                break
    return None


def _is_ours(path: str) -> bool:
    """Is it the Python of this process, or another name of it in the same virtual environment?"""
    ours = os.path.abspath(sys.executable)
    if os.path.dirname(os.path.abspath(path)) != os.path.dirname(ours):
        return False
    return sys.prefix != sys.base_prefix or os.path.realpath(path) == os.path.realpath(ours)


def _is_equipped(path: str, environ: Mapping[str, str]) -> bool:
    """Do the start-up files run there? An answer that cannot be had counts as yes."""
    from subprocess import DEVNULL, SubprocessError, run

    probe = [path, "-c", _PROBE]
    on = {**environ, "HILT_AUTOLOG": "1"}
    try:
        done = run(  # noqa: S603  the user is about to run it
            probe, env=on, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, timeout=10, check=False
        )
    except (OSError, SubprocessError):
        return True
    return done.returncode != _ABSENT
