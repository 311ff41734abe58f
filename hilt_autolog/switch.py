"""The switch: owns the state of this process's recording, and puts the parts together.

`enable()` waits for the SDKs; the machinery comes with the first: wrapt alone would double Python's start.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from . import importer
from .settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from .io.writer import Writer
    from .provider import Provider
    from .recorder import Recorder

_OFF = ("0", "false", "no", "off")


class Status(NamedTuple):
    """How the recording of this process stands."""

    enabled: bool
    settings: Settings | None
    path: str | None  # the file that is, or was last, written
    written: int
    drops: dict[str, int]  # reason -> events lost to it
    trouble: str | None  # why the file cannot be written, in words
    faults: dict[str, str]  # place in our own code -> what failed there
    watching: dict[str, dict[str, bool]]  # SDK -> probe -> whether this version has it


class _State:
    """Everything that is switched on in this process."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.recorder: Recorder | None = None
        self.writer: Writer | None = None
        self.undo: list[Callable[[], None]] = []
        self.watching: dict[str, dict[str, bool]] = {}
        self.knows_forks = False


_state = _State()


class Recording:
    """What `enable()` returns: a context manager that switches off what this call has switched on."""

    def __init__(self, *, began: bool) -> None:
        self._began = began

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._began:
            disable()

    @property
    def path(self) -> str | None:
        """The log file, once the first event has opened it."""
        return status().path


def enable(**arguments: Any) -> Recording:
    """Record every call to a model that this process makes from now on.

    Calling it again changes nothing, or only the settings that it is given. `HILT_AUTOLOG=0` in the
    environment wins over it.

    Args:
        **arguments: settings by name: `path`, `chunks`, `content`, `providers` ... (see `settings.SETTINGS`).

    Returns:
        A context manager: `with enable(path="app.hilt.jsonl"): ...` records what happens inside.

    Raises:
        SettingsError: an unknown name or value.
    """
    if os.environ.get("HILT_AUTOLOG", "").strip().lower() in _OFF:
        return Recording(began=False)
    if _state.settings is not None and not arguments:
        return Recording(began=False)
    sdks = importer.sdks()
    settings, complaints = load(arguments, os.environ, os.getcwd(), sdks)
    began = _state.settings is None
    if settings != _state.settings:
        _tell(complaints)
        _close()
        _state.settings = settings
        if began:
            _wait(frozenset(settings.providers) or sdks)
    return Recording(began=began)


def disable() -> None:
    """Stop recording: the SDKs get their own functions back, the log its last line."""
    importer.stop_waiting()
    while _state.undo:
        _state.undo.pop()()
    _close()
    _state.settings = None
    _state.watching = {}


def status() -> Status:
    """Return how the recording of this process stands."""
    writer = _state.writer
    faults = sys.modules.get(f"{__package__}.guard")
    return Status(
        enabled=_state.settings is not None,
        settings=_state.settings,
        path=writer.path if writer is not None else None,
        written=writer.written if writer is not None else 0,
        drops=dict(writer.drops) if writer is not None else {},
        trouble=writer.trouble if writer is not None else None,
        faults=dict(faults.faults.places) if faults is not None else {},
        watching={sdk: dict(probes) for sdk, probes in _state.watching.items()},
    )


# --- the parts


def _wait(sdks: frozenset[str]) -> None:
    _state.undo.append(importer.wait(sdks, _arm))
    for sdk in sorted(sdks):
        if sdk in sys.modules:
            _arm(sdk)


def _arm(sdk: str) -> None:
    """Wrap the functions of an SDK that is imported."""
    from .guard import guarded

    guarded(_wrap)(sdk)


def _wrap(sdk: str) -> None:
    from importlib import import_module

    from .engine import arm

    provider: Provider = import_module(f"{__package__}.providers.{sdk}").PROVIDER
    _recorder()  # everything is loaded now: later there may be no file descriptor left to load it with
    found = _state.watching.setdefault(sdk, {})
    for probe in provider.probes:
        undo = arm(provider, probe, _begin)
        found[f"{probe.module}:{probe.owner}.{probe.name}"] = undo is not None
        if undo is not None:
            _state.undo.append(undo)


def _begin(provider: Provider, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if _state.settings is None:
        return None
    recorder = _state.recorder or _recorder()
    return recorder.begin(provider, client, args, kwargs)


def _recorder() -> Recorder:
    if _state.recorder is None:
        from .guard import faults
        from .io.writer import Writer
        from .process import Process, app_name
        from .recorder import Recorder

        settings = _state.settings
        assert settings is not None
        process = Process(settings.argv)
        writer = Writer(
            settings.path,
            app=app_name(),
            opened=lambda: process.opened(_versions()),
            closed=lambda: process.closed(writer.written, writer.drops, faults.places, faults.total),
            dropped=process.dropped,
            ledger=os.environ.get("HILT_LEDGER"),
        )
        _state.writer = writer
        _state.recorder = Recorder(
            writer.write,
            writer.write_line,
            chunks=settings.chunks,
            content=settings.content,
            user=settings.user,
            tags=settings.tags,
            conversation=settings.conversation,
            media=(lambda: _media_folder(settings.path)) if settings.media == "store" else None,
        )
        atexit.register(_close)
        _know_forks()
    return _state.recorder


def _media_folder(template: str) -> str:
    path = _state.writer.path if _state.writer is not None else None
    return os.path.join(os.path.dirname(os.path.abspath(path or template)), "media")


def _versions() -> dict[str, str]:
    modules = ((sdk, sys.modules.get(sdk)) for sdk in _state.watching)
    return {
        sdk: str(getattr(module, "__version__", "unknown")) for sdk, module in modules if module is not None
    }


def _close() -> None:
    """End the calls that are open, and the log."""
    atexit.unregister(_close)
    recorder, writer = _state.recorder, _state.writer
    _state.recorder = None
    if recorder is not None:
        recorder.end_all()
    if writer is not None:
        writer.close()


def _know_forks() -> None:
    if not _state.knows_forks and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forked)
        _state.knows_forks = True


def _forked() -> None:
    """Begin anew in a forked child: its own ids, its own file, none of its parent's calls."""
    from . import clock

    clock.reseed()
    if _state.recorder is not None:
        _state.recorder.forget()
    if _state.writer is not None:
        _state.writer.forked()


def _tell(complaints: list[str]) -> None:
    if sys.stderr is not None:
        for complaint in complaints:
            sys.stderr.write(f"{complaint}\n")
