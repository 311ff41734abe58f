"""The switch: owns the state of this process's recording, and puts the parts together.

`enable()` waits for the SDKs; the machinery comes with the first: wrapt alone would double Python's start.
"""

from __future__ import annotations

import atexit
import os
import sys
from _thread import allocate_lock
from typing import TYPE_CHECKING, Any

from hilt_autolog.instrumentation import import_hook
from hilt_autolog.providers import registry
from hilt_autolog.settings import Settings, load, override

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from hilt_autolog.recording.call_starter import CallStarter
    from hilt_autolog.recording.recorder import EventSink, Recorder

    from .factory import RecordingParts
    from .status import Status

_OFF = ("0", "false", "no", "off")


class _State:
    """Everything that is switched on in this process."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.folder = os.sep  # where it was switched on: there a relative path of the log begins
        self.session: EventSink | None = None  # what is written to, if not a file of ours
        self.capture: CallStarter | None = None  # loaded with the first SDK
        self.tell: Callable[..., Any] | None = None  # the same
        self.parts: RecordingParts | None = None
        self.undo: list[Callable[[], None]] = []
        self.watching: dict[str, dict[str, bool | None]] = {}
        self.knows_forks = False
        self.claim = allocate_lock()
        self.told: set[str] = set()  # complaints, each once


_state = _State()


class Recording:
    """What `enable()` returns: a context manager that puts back what this call has changed."""

    def __init__(self, before: Settings | None, session: EventSink | None, *, changed: bool) -> None:
        self._before = before
        self._session = session
        self._changed = changed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._changed and self._before is None:
            disable()
        elif self._changed and self._before is not None:
            _switch(self._before, self._session)

    @property
    def path(self) -> str | None:
        """The log file, once the first event has opened it."""
        return status().path


def enable(*, session: EventSink | None = None, **arguments: Any) -> Recording:
    """Record every call to a model that this process makes from now on.

    Calling it again changes nothing, or only the settings that it is given. `HILT_AUTOLOG=0` wins over it.

    Args:
        session: a `Session` to write to, instead of a file of ours at `path`.
        **arguments: settings by name: `path`, `chunks`, `content`, `providers` ... (see `settings.SETTINGS`).

    Returns:
        A context manager: `with enable(path="app.hilt.jsonl"): ...` records what happens inside.

    Raises:
        SettingsError: an unknown name or value.
    """
    word = _environ().get("HILT_AUTOLOG", "").strip().lower()
    if word in _OFF or (_state.settings is not None and not arguments and session is None):
        return Recording(None, None, changed=False)
    before, written = _state.settings, _state.session
    if before is None and word and arguments:  # the door of the environment is open, and nothing came in yet
        before = _load({})
    settings = _load(arguments) if before is None else override(before, arguments, registry.sdks())
    return Recording(before, written, changed=_switch(settings, session or written))


def _load(arguments: dict[str, Any]) -> Settings:
    try:
        _state.folder = os.getcwd()
    except OSError:  # it was deleted
        _state.folder = os.sep
    settings, complaints = load(arguments, _environ(), _state.folder, registry.sdks())
    if sys.stderr is not None:
        for complaint in complaints:
            if complaint not in _state.told:
                sys.stderr.write(f"{complaint}\n")
    _state.told.update(complaints)
    return settings


def _environ() -> Mapping[str, str]:
    return {} if sys.flags.ignore_environment else os.environ  # python -I and -E


def _switch(settings: Settings, session: EventSink | None) -> bool:
    """Record by these settings; return whether that is a change."""
    with _state.claim:  # two SDKs may arrive in two threads; nothing is imported or waited for in here
        before, _state.settings = _state.settings, settings
        written, _state.session = _state.session, session
    if settings == before and session is written:
        return False
    if before is not None:
        _close(end=False)
    if before is None or before.providers != settings.providers:
        _disarm()
        _wait(frozenset(settings.providers) or registry.sdks())
    elif _state.watching:
        _recorder()
    return True


def disable() -> None:
    """Stop recording: the SDKs get their own functions back, the log its last line."""
    import_hook.remove_hooks()
    _disarm()
    _close()
    _state.settings = _state.session = None


def _disarm() -> None:
    while _state.undo:
        _state.undo.pop()()
    _state.watching = {}


def status() -> Status:
    """Return how the recording of this process stands."""
    from .status import current_status

    return current_status(_state.settings, _state.parts, _state.session, _state.watching)


def session() -> EventSink | None:
    """Return what is written to, if it is a session of the program's."""
    return _state.session


def _wait(sdks: frozenset[str]) -> None:
    _state.undo.append(import_hook.when_imported(sdks, _arm))
    for sdk in sorted(sdks & sys.modules.keys()):
        _arm(sdk)


def _arm(sdk: str) -> None:
    """Wrap the functions of an SDK that is imported."""
    from hilt_autolog.internal_errors import capture_errors

    capture_errors(_wrap)(sdk)


def _wrap(sdk: str) -> None:
    from hilt_autolog.instrumentation.patcher import patch_sdk
    from hilt_autolog.runs.dispatch import dispatch_callback

    _state.tell = dispatch_callback
    capture = _recorder()  # loads everything now: later there may be no file descriptor left to load it with
    _state.watching[sdk], undo = patch_sdk(sdk, capture.begin, _tell, capture.begin_method)
    _state.undo.append(undo)


def _tell(*heard: Any) -> Any:
    recorder = None if _state.capture is None else _state.capture.recorder
    return None if recorder is None or _state.tell is None else _state.tell(recorder, _state.watching, *heard)


def recorder() -> Recorder | None:
    """Return what writes this process's log; None while nothing is recorded."""
    return None if _state.settings is None else _recorder().recorder


def _recorder() -> CallStarter:
    """Return where calls begin, with a recorder behind it while we are switched on."""
    from hilt_autolog.recording.call_starter import CallStarter

    from .factory import build_recording

    capture = _state.capture = _state.capture or CallStarter()
    if capture.recorder is None and _state.settings is not None:
        _state.parts = build_recording(_state.settings, _state.folder, _versions, _state.session)
        capture.recorder = _state.parts.recorder
        atexit.register(_close)
        _know_forks()
    return capture


def _versions() -> dict[str, str]:
    return {sdk: str(getattr(sys.modules.get(sdk), "__version__", "unknown")) for sdk in _state.watching}


def _close(*, end: bool = True) -> None:
    """Close the log; `end` the calls that are open, or let them end in their own time."""
    atexit.unregister(_close)
    if _state.capture is not None:
        recorder, _state.capture.recorder = _state.capture.recorder, None
        if recorder is not None and end:
            recorder.end_all()
    if _state.parts is not None:
        _state.parts.close(wait=end)


def _know_forks() -> None:
    if not _state.knows_forks and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forked)
        _state.knows_forks = True


def _forked() -> None:
    """Begin anew in a forked child: its own ids, its own file, none of its parent's calls."""
    from hilt_autolog import clock

    clock.reseed()
    if _state.capture is not None and _state.capture.recorder is not None:
        _state.capture.recorder.forget()
    if _state.parts is not None:
        _state.parts.writer.reset_after_fork()
