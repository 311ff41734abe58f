"""What the events of a log promise about each other: unique ids, references that lead somewhere, ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.io.lines import Problem

from .sources import part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilt_autolog.io.lines import Placed

Event = dict[str, Any]

_ENDS = ("completion", "system", "retrieval", "embedding")  # the actions that answer a prompt


class Promises:
    """Takes events in any order, and tells at the end which promises are not kept.

    It remembers an id for each event, so it grows with the log: about 150 bytes an event.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._unknown: dict[str, list[tuple[str, int, str]]] = {}  # references to what has not been seen
        self._open: dict[str, tuple[str, int]] = {}  # prompts, and where they stand
        self._ended: set[str] = set()  # prompts yet to come: other files may tell their ends first

    def take(self, placed: Placed) -> str | None:
        """Take an event; return what is wrong with it if its id is another event's as well."""
        event, file, line = placed
        name, extensions = event.get("event_id"), part(event, "extensions")
        self._refer(extensions.get("reply_to"), (file, line, "reply_to"))
        if "history" in extensions:
            self._refer(part(extensions, "history").get("after"), (file, line, "history"))
        if event.get("action") in _ENDS:
            self._end(extensions.get("reply_to"))
        if not isinstance(name, str):
            return None
        if name in self._ids:
            return f"event_id: {name} is the id of an earlier event"
        self._ids.add(name)
        self._unknown.pop(name, None)
        if event.get("action") == "prompt":
            self._begin(name, (file, line))
        return None

    def _refer(self, target: object, place: tuple[str, int, str]) -> None:
        if isinstance(target, str) and target not in self._ids:
            self._unknown.setdefault(target, []).append(place)

    def _begin(self, prompt: str, place: tuple[str, int]) -> None:
        if prompt in self._ended:
            self._ended.discard(prompt)
        else:
            self._open[prompt] = place

    def _end(self, prompt: object) -> None:
        if isinstance(prompt, str) and self._open.pop(prompt, None) is None and prompt not in self._ids:
            self._ended.add(prompt)

    def broken(self) -> Iterator[Problem]:
        """Yield what is not kept, once all events have been taken."""
        for target, places in self._unknown.items():
            for file, line, key in places:
                yield Problem(file, line, f"{key}: no event has the id {target}")
        for file, line in self._open.values():
            yield Problem(file, line, "the prompt has no end: its call still runs, or its process was killed")
