"""The recorders over logs in the program's own hands: one for each session, for as long as there is one."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from .recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from .chunks import Write, WriteLine
    from .events import Event


class Appends(Protocol):
    """What is written to: `io.session.Session`, or anything else that takes events."""

    def append(self, event: Event, /) -> object:
        """Write an event."""


_recorders: weakref.WeakKeyDictionary[Any, Recorder] = weakref.WeakKeyDictionary()


def recorder_of(session: Appends) -> Recorder:
    """Return what turns calls into events of a session: always the same, so that it knows its conversations.

    Raises:
        TypeError: nothing can be appended to `session`.
    """
    if not callable(getattr(session, "append", None)):
        raise TypeError(f"events are appended to a Session, not to {type(session).__name__}")
    try:
        known = _recorders.get(session)
        if known is None:
            known = _recorders.setdefault(session, Recorder(*into(session)))
    except TypeError:  # it is no key: it has an equality of its own, as lists have, or cannot be held weakly
        return Recorder(*into(session))
    return known


def into(session: Appends) -> tuple[Write, WriteLine]:
    """Return what writes events, and lines that are events already, to a session; it is not kept alive."""
    try:
        return _into(weakref.ref(session))
    except TypeError:  # it cannot be held weakly
        return _into(lambda: session)


def adopt(session: Appends, recorder: Recorder) -> None:
    """Let the helpers that are given this session write by this recorder, too."""
    with contextlib.suppress(TypeError):  # as above
        _recorders[session] = recorder


def _into(session: Callable[[], Appends | None]) -> tuple[Write, WriteLine]:
    def write(event: Event, *, is_json: bool = False, hasty: bool = False) -> object:  # noqa: ARG001
        kept = session()
        return None if kept is None else kept.append(event)

    def write_line(data: bytes, *, hasty: bool = False) -> object:
        return write(orjson.loads(data), hasty=hasty)

    return write, write_line
