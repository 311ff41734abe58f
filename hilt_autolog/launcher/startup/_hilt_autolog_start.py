# ruff: noqa: INP001  the wheel puts this file at the root of site-packages
"""Enable recording if HILT_AUTOLOG=1: hilt-autolog.pth or .start calls `run()` when an interpreter starts.

This file imports only modules that the interpreter has loaded by then, and raises nothing: an exception would
print a traceback at the start of every program, and a SystemExit would end the interpreter.
"""

TYPE_CHECKING = False  # type checkers know the name; importing typing would cost a program's start
if TYPE_CHECKING:
    from collections.abc import Callable

_undo: "list[Callable[[], None]]" = []  # filled once: site runs a .pth file twice in a virtual environment


def run() -> None:
    """Install the import hook that enables recording at the import of the first SDK; never raise."""
    try:
        if not _undo and _is_enabled():
            # Not `from hilt_autolog import ...`, which calls its `__getattr__`, which imports importlib.
            from hilt_autolog.instrumentation.import_hook import when_imported
            from hilt_autolog.providers import sdks

            _undo.append(when_imported(sdks(), _enable))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: S110  the program must start, whatever fails here
        pass


def _is_enabled() -> bool:
    """Return whether HILT_AUTOLOG is on, in a process that uses its environment (no -E, -I or set-uid)."""
    import os
    import sys

    if os.environ.get("HILT_AUTOLOG", "").strip().lower() not in ("1", "true", "yes", "on"):
        return False
    if sys.flags.ignore_environment:
        return False
    return not hasattr(os, "getuid") or (os.getuid(), os.getgid()) == (os.geteuid(), os.getegid())


def _enable(_sdk: str) -> None:
    """Enable recording, which installs its own import hook, and remove this one."""
    from hilt_autolog.runtime.control import enable

    enable()
    for undo in _undo:
        undo()
