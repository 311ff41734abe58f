# ruff: noqa: INP001  the wheel puts this file at the root of site-packages
"""The door HILT_AUTOLOG=1: hilt-autolog.pth, or hilt-autolog.start, calls `run()` when an interpreter starts.

Nothing is imported here that the interpreter has not loaded by then, and nothing may escape: an exception
would print a screenful at every start of every program, and a SystemExit would end the interpreter.
"""

TYPE_CHECKING = False  # type checkers know the name; importing typing would cost a program's start
if TYPE_CHECKING:
    from collections.abc import Callable

_waiting: "list[Callable[[], None]]" = []  # filled once: site runs a .pth file twice in a virtual environment


def run() -> None:
    """Wait for the first model SDK to be imported, if the environment asks for it; never raise."""
    try:
        if not _waiting and _asked_for():
            # `from hilt_autolog import importer` would ask the package for it, which loads importlib
            from hilt_autolog.instrumentation.import_hook import when_imported
            from hilt_autolog.providers.registry import sdks

            _waiting.append(when_imported(sdks(), _first_sdk))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: S110  a program starts as it would without us, whatever is broken here
        pass


def _asked_for() -> bool:
    """Is HILT_AUTOLOG on, in a process that heeds its environment (no -E, -I or set-uid)?"""
    import os
    import sys

    if os.environ.get("HILT_AUTOLOG", "").strip().lower() not in ("1", "true", "yes", "on"):
        return False
    if sys.flags.ignore_environment:
        return False
    return not hasattr(os, "getuid") or (os.getuid(), os.getgid()) == (os.geteuid(), os.getegid())


def _first_sdk(_name: str) -> None:
    """Hand over to the switch, which waits for the other SDKs itself."""
    from hilt_autolog.runtime.control import enable

    enable()
    for undo in _waiting:
        undo()
