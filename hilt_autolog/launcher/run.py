"""hilt-run: start any command with recording switched on, and sum up on a terminal when it ends.

Away from a terminal the command takes this process's place, so that nothing of us is left to be seen.
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
        The exit code: the command's; 126 or 127 where it cannot be started, as in a shell; 2 where the
        command line is not understood. Away from a terminal it returns only if the command cannot start.
    """
    if sys.argv[1:2] in (["--help"], ["-h"]):
        sys.stdout.write(_help())
        return 0
    if sys.argv[1:2] == ["--version"]:
        sys.stdout.write(f"hilt-run {__version__}\n")
        return 0
    try:
        options, command = parse(sys.argv[1:])
    except ValueError as error:
        _write_error(f"hilt-run: {error}\n{_USAGE}")
        return 2
    return run(command, {**os.environ, **options, "HILT_AUTOLOG": "1"})


def parse(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Split a command line into the variables to set and the command.

    Args:
        words: what stands after `hilt-run`.

    Raises:
        ValueError: no command; `SettingsError`, an unknown option or value: its message names the valid ones.
    """
    options, rest = _options(words) if _is_option(words) else ({}, words)
    command = rest[1:] if rest[:1] == ["--"] else rest
    if not command:
        raise ValueError("no command")
    python = [sys.executable] if command[0] == "-m" or command[0].endswith(".py") else []
    return options, python + command


def _is_option(words: list[str]) -> bool:
    return bool(words) and words[0].startswith("-") and words[0] not in ("--", "-m")


def _options(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Split off the options at the beginning, as the variables that they set."""
    from hilt_autolog.providers.registry import sdks
    from hilt_autolog.settings import SETTINGS, SettingsError, parse_setting

    rows = {f"--{row.name}": row for row in SETTINGS}
    rows["--providers"] = rows["--providers"]._replace(valid=tuple(sorted(sdks())))
    options: dict[str, str] = {}
    rest = list(words)
    while _is_option(rest):
        name, joined, value = rest.pop(0).partition("=")
        if name in rows and not joined and rest:
            value = rest.pop(0)
        if not parse_setting(rows, name, value):
            raise SettingsError(f"{name} needs a value")
        options[rows[name].variable] = value
    return options, rest


def run(command: list[str], environ: dict[str, str]) -> int:
    """Run a command in an environment that switches recording on, and return its exit code.

    Where a hilt-run above this one sums up (HILT_RUN_LOGS names its ledger), the sum is left to it.
    """
    if reason := why_not_recorded(command, environ):
        _write_error(f"hilt-run: {reason}\n")
    try:
        if sys.stderr is not None and sys.stderr.isatty():
            return _exit_like(_run_with_summary(command, environ))
        return _replace(command, environ)
    except OSError as error:
        from errno import ENOEXEC

        if error.errno == ENOEXEC:  # a script that does not say whose: the shell's, as execvp(3) has it
            return run(["/bin/sh", find(command[0], environ) or command[0], *command[1:]], environ)
        _write_error(f"hilt-run: {command[0]}: {error.strerror}\n")
        return 127 if isinstance(error, (FileNotFoundError, NotADirectoryError)) else 126


def _run_with_summary(command: list[str], environ: Mapping[str, str]) -> int:
    from hilt_autolog.internal_errors import try_call

    from . import run_summary

    path = run_summary.create_run_list(environ)
    if path is None:
        return _replace(command, environ)
    try:
        code = _wait(command, {**environ, "HILT_RUN_LOGS": str(path)})
        if line := try_call(run_summary.summary, path):
            _write_error(f"{line}\n")
        return code
    finally:
        path.unlink(missing_ok=True)


def _replace(command: list[str], environ: Mapping[str, str]) -> int:
    if os.name == "nt":  # exec returns to the shell there, before the program has ended
        return _wait(command, environ)
    from _signal import SIG_DFL, SIGPIPE, SIGXFSZ, signal  # type: ignore[import-not-found]  # without enum

    for number in (SIGPIPE, SIGXFSZ):  # Python ignores them, and a program would inherit that
        signal(number, SIG_DFL)
    return os.execvpe(command[0], command, environ)  # noqa: S606  to start a program is what we are for


def _wait(command: list[str], environ: Mapping[str, str]) -> int:
    """Run a command as a child and wait for it, passing on the signals that are sent to us.

    Ctrl-C and Ctrl-Backslash reach the child by themselves: a terminal sends them to the whole process group.
    """
    import signal
    from subprocess import Popen

    child: list[Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        if child:
            child[0].send_signal(number)
        else:
            early.append(number)

    def leave_it(_number: int, _frame: object) -> None:
        pass

    for name in ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"):
        number = getattr(signal, name, None)  # Windows has but two of them
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, leave_it if name in ("SIGINT", "SIGQUIT") else pass_on)
    child.append(Popen(command, env=environ, close_fds=False))  # noqa: S603  as above
    for number in early:
        child[0].send_signal(number)
    return child[0].wait()


def _exit_like(code: int) -> int:
    """Return the exit code, or die of the signal that the command died of, so that a shell can tell."""
    if code >= 0:
        return code
    import resource
    import signal

    # a core file of ours would take the place of the command's
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
