"""Find the Python that a command will use, and whether the start-up files of this package run there."""

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
    """Return a line that says why a command will not be recorded; None if no reason is known.

    Another Python than that of this process is started once, to see whether the start-up files run there.

    Args:
        command: the program and its arguments. Nothing is known of programs that are not Python.
        environ: the environment of the command.
    """
    path, *arguments = python_of(command, environ) or [""]
    if not path:
        return None
    if flag := _blocking_option(arguments):
        reason = f"{path} {flag} disables hilt-autolog"
        return f"{reason}: nothing will be recorded unless the program calls enable()"
    if _is_own(path) or _has_startup_files(path, environ):
        return None
    name = os.path.basename(path)
    pip = name if find(name, environ) == path else path
    return (
        f"hilt-autolog is not installed for {path}: nothing will be recorded"
        f" ({pip} -m pip install hilt-autolog)"
    )


def python_of(command: list[str], environ: Mapping[str, str]) -> list[str] | None:
    """Return the Python that a command starts, directly or by a script's "#!" line, and its arguments."""
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
    paths = (os.path.join(folder, program) for folder in folders)
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def _is_python(path: str) -> bool:
    name = os.path.basename(path).removesuffix(".exe")
    if not name.startswith(("python", "pypy")):
        return False
    version = name.removeprefix("python").removeprefix("pypy").rstrip("dtw")
    return not version or version.replace(".", "").isdecimal()


def _shebang(script: str) -> list[str]:
    """Return the words of a script's "#!" line; of its second line where pip starts Python through sh."""
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
    for index, word in enumerate(words):
        if not word.startswith("-") and "=" not in word:
            return words[index:]
    return []


def _blocking_option(arguments: list[str]) -> str | None:
    """Return the option that disables start-up files (-I, -S) or HILT_AUTOLOG (-I, -E), if there is one."""
    words = iter(arguments)
    for word in words:
        if not word.startswith("-") or word == "-":
            return None
        if word == "--check-hash-based-pycs":
            next(words, None)
        for end, letter in enumerate("" if word.startswith("--") else word[1:], 2):
            if letter in "IES":
                return f"-{letter}"
            if letter in "cm":  # the rest are the program's arguments
                return None
            if letter in "WX":
                if end == len(word):  # the value is the next word
                    next(words, None)
                break
    return None


def _is_own(path: str) -> bool:
    """Return whether this is the Python of this process, or another name of it in the same environment."""
    own = os.path.abspath(sys.executable)
    if os.path.dirname(os.path.abspath(path)) != os.path.dirname(own):
        return False
    return sys.prefix != sys.base_prefix or os.path.realpath(path) == os.path.realpath(own)


def _has_startup_files(path: str, environ: Mapping[str, str]) -> bool:
    """Return whether the start-up files run in a Python; True if that cannot be determined."""
    from subprocess import DEVNULL, SubprocessError, run

    command = [path, "-c", _PROBE]
    environ = {**environ, "HILT_AUTOLOG": "1"}
    try:
        result = run(  # noqa: S603  the user runs this Python next
            command, env=environ, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, timeout=10, check=False
        )
    except (OSError, SubprocessError):
        return True
    return result.returncode != _ABSENT
