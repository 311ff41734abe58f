"""hilt-run: run any command with recording enabled, and on a terminal print a summary when it ends.

Away from a terminal the command replaces this process (exec), so that it runs as it would without hilt-run.
"""

from __future__ import annotations

import os
import sys

from hilt_autolog import __version__

from .interpreter import find, why_not_recorded

TYPE_CHECKING = False  # type checkers know the name; typing would double the time that hilt-run takes
if TYPE_CHECKING:
    from collections.abc import Mapping

_USAGE = "usage: hilt-run [--SETTING VALUE ...] [--] COMMAND [ARGUMENT ...]\n"


def main() -> int:
    """Run the command line `hilt-run ...`.

    Returns:
        The exit code: the command's; 126 or 127 if it cannot be started, as in a shell; 2 if the command
        line is invalid. Away from a terminal this returns only if the command cannot be started.
    """
    if sys.argv[1:2] in (["--help"], ["-h"]):
        sys.stdout.write(_help())
        return 0
    if sys.argv[1:2] == ["--version"]:
        sys.stdout.write(f"hilt-run {__version__}\n")
        return 0
    try:
        variables, command = parse(sys.argv[1:])
    except ValueError as error:
        _write_error(f"hilt-run: {error}\n{_USAGE}")
        return 2
    return run(command, {**os.environ, **variables, "HILT_AUTOLOG": "1"})


def parse(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Split a command line into the variables to set and the command.

    Args:
        words: the arguments of `hilt-run`.

    Raises:
        ValueError: there is no command; or, as `SettingsError`, an option or its value is invalid.
    """
    variables, command = _parse_options(words) if _is_option(words) else ({}, words)
    command = command[1:] if command[:1] == ["--"] else command
    if not command:
        raise ValueError("no command")
    python = [sys.executable] if command[0] == "-m" or command[0].endswith(".py") else []
    return variables, python + command


def _is_option(words: list[str]) -> bool:
    return bool(words) and words[0].startswith("-") and words[0] not in ("--", "-m")


def _parse_options(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the variables that the leading options set, and the words after these options."""
    from hilt_autolog.providers import sdks
    from hilt_autolog.settings import SETTINGS, SettingsError, parse_setting

    rows = {f"--{row.name}": row for row in SETTINGS}
    rows["--providers"] = rows["--providers"]._replace(valid=tuple(sorted(sdks())))
    variables: dict[str, str] = {}
    rest = list(words)
    while _is_option(rest):
        name, equals, value = rest.pop(0).partition("=")
        if name in rows and not equals and rest:
            value = rest.pop(0)
        if not parse_setting(rows, name, value):
            raise SettingsError(f"{name} needs a value")
        variables[rows[name].variable] = value
    return variables, rest


def run(command: list[str], environ: dict[str, str]) -> int:
    """Run a command in an environment that enables recording, and return its exit code.

    Below another hilt-run that prints a summary (HILT_RUN_LOGS is set), this one prints none.
    """
    if reason := why_not_recorded(command, environ):
        _write_error(f"hilt-run: {reason}\n")
    try:
        if sys.stderr is not None and sys.stderr.isatty():
            return _exit_like(_run_with_summary(command, environ))
        return _exec(command, environ)
    except OSError as error:
        from errno import ENOEXEC

        if error.errno == ENOEXEC:  # a script without "#!": run it with the shell, as execvp(3) does
            return run(["/bin/sh", find(command[0], environ) or command[0], *command[1:]], environ)
        _write_error(f"hilt-run: {command[0]}: {error.strerror}\n")
        return 127 if isinstance(error, (FileNotFoundError, NotADirectoryError)) else 126


def _run_with_summary(command: list[str], environ: Mapping[str, str]) -> int:
    from hilt_autolog.internal_errors import try_call

    from . import run_summary

    path = run_summary.create_run_list(environ)
    if path is None:
        return _exec(command, environ)
    try:
        code = _run_child(command, {**environ, "HILT_RUN_LOGS": str(path)})
        if line := try_call(run_summary.summary, path):
            _write_error(f"{line}\n")
        return code
    finally:
        path.unlink(missing_ok=True)


def _exec(command: list[str], environ: Mapping[str, str]) -> int:
    if os.name == "nt":  # on Windows, exec returns to the shell before the program has ended
        return _run_child(command, environ)
    from _signal import SIG_DFL, SIGPIPE, SIGXFSZ, signal  # type: ignore[import-not-found]  # `signal` would import enum

    for number in (SIGPIPE, SIGXFSZ):  # ignored by Python, and exec keeps that
        signal(number, SIG_DFL)
    return os.execvpe(command[0], command, environ)  # noqa: S606  running the user's command is the purpose


def _run_child(command: list[str], environ: Mapping[str, str]) -> int:
    """Run a command as a child process, forward signals to it, and return its exit code.

    Ctrl-C and Ctrl-Backslash are not forwarded: the terminal sends them to the whole process group.
    """
    import signal
    from subprocess import Popen

    child: list[Popen[bytes]] = []
    early: list[int] = []  # signals that arrive before the child has started

    def forward(number: int, _frame: object) -> None:
        if child:
            child[0].send_signal(number)
        else:
            early.append(number)

    def ignore(_number: int, _frame: object) -> None:
        pass

    for name in ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"):
        number = getattr(signal, name, None)  # Windows has SIGINT and SIGTERM only
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # e.g. nohup
            signal.signal(number, ignore if name in ("SIGINT", "SIGQUIT") else forward)
    child.append(Popen(command, env=environ, close_fds=False))  # noqa: S603  as above
    for number in early:
        child[0].send_signal(number)
    return child[0].wait()


def _exit_like(code: int) -> int:
    """Return the exit code, or die from the same signal as the command, so that a shell sees it."""
    if code >= 0:
        return code
    import resource
    import signal

    # no core file of this process: it would overwrite the command's
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if -code not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code


def _help() -> str:
    from hilt_autolog.settings import SETTINGS

    rows = "".join(f"  --{row.name:<13} {row.variable:<15} {row.meaning}\n" for row in SETTINGS)
    return f"{_USAGE}\nRuns a command and logs its calls of language models.\n\n{rows}"


def _write_error(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(text)
        sys.stderr.flush()
