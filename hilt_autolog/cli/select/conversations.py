"""The conversations of a log: each with its name, its time and its sums; and the one that a word means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hilt_autolog.cli.exit_codes import FINDINGS, CommandError
from hilt_autolog.cli.render import event_format
from hilt_autolog.format import session_id_of
from hilt_autolog.reading.timestamps import sortable_time

from .sources import part

if TYPE_CHECKING:
    from collections.abc import Iterable

Event = dict[str, Any]

LAST = "last"
NAME = 17  # letters of a session id that are shown: so much of one that we made is enough to find it by
_OF_PROCESSES = "hilt-autolog"  # the actor of what a log says of itself
_CALLS = ("prompt", "embedding")
_SEARCH = "retrieval"  # asks no model
_SHOWN = 5  # of several that a word may mean


@dataclass(slots=True)
class Conversation:
    """What a log has of a conversation.

    Attributes:
        session_id: The id that its events share.
        name: The plain name that the program gave it, if any.
        begin: The time of its first event, "" if none tells one; `end` that of its last.
        calls: Prompts, and embedding calls; a query for a retriever is none.
        errors: Calls that failed.
        tokens: In and out, None if no call tells them.
        cost: In dollars, None if no call tells it.
        models: Those that answered.
        words: What was asked first.
    """

    session_id: str
    name: str | None = None
    begin: str = ""
    end: str = ""
    calls: int = 0
    errors: int = 0
    tokens: int | None = None
    cost: float | None = None
    models: dict[str, None] = field(default_factory=dict)
    words: str = ""

    def take(self, event: Event) -> None:
        """Count an event in."""
        action, extensions = event.get("action"), part(event, "extensions")
        moment = sortable_time(event)
        self.begin = min(filter(None, (self.begin, moment)), default="")
        self.end = max(self.end, moment)
        self.name = self.name or event_format.word(extensions.get("conversation")) or None
        self.calls += action in _CALLS and part(event, "provenance").get("operation") != _SEARCH
        self.errors += action == "system" and "error_type" in extensions
        if action == "prompt" and not self.words:
            self.words = event_format.text(event)
        if action in ("completion", "embedding"):
            self.models[event_format.actor(event)] = None
        if action in ("completion", "embedding", "system"):  # a failure may have been paid for
            if (tokens := event_format.tokens(event)) is not None:
                self.tokens = (self.tokens or 0) + tokens
            if (cost := event_format.cost(event)) is not None:
                self.cost = (self.cost or 0) + cost

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values; what is not known is null."""
        return {
            "conversation": self.name,
            "session_id": self.session_id,
            "begin": self.begin or None,
            "end": self.end or None,
            "calls": self.calls,
            "errors": self.errors,
            "tokens": self.tokens,
            "cost_usd": self.cost,
            "models": list(self.models),
            "words": self.words,
        }


class Conversations:
    """The conversations of a log, the newest last.

    Args:
        events: What is to be told apart; only sums are kept.
        event_id: An event whose conversation will be asked for.
    """

    def __init__(self, events: Iterable[Event], event_id: str | None = None) -> None:
        found: dict[str, Conversation] = {}
        self._of_event: str | None = None
        for event in events:
            session_id = session_of(event)
            if part(event, "actor").get("id") == _OF_PROCESSES and session_id not in found:
                continue
            if session_id not in found:
                found[session_id] = Conversation(session_id)
            found[session_id].take(event)
            if event_id is not None and event.get("event_id") == event_id:
                self._of_event = session_id
        self.all = sorted(found.values(), key=lambda conversation: conversation.end)

    def meant(self, word: str | None) -> Conversation:
        """Return the conversation that a word means; the newest, if None.

        Args:
            word: Its plain name, whether its events have that or only the id made of it, its session id or
                the beginning of that, the id of one of its events, or "last".

        Raises:
            Stop: there is none, or several.
        """
        if not self.all:
            raise CommandError("the log has no conversation", FINDINGS)
        if word is None or word == LAST:
            return self.all[-1]
        exact = [one for one in self.all if word in (one.name, one.session_id)]
        of_event = [one for one in self.all if one.session_id == self._of_event]
        named = [one for one in self.all if one.session_id == session_id_of(word)]
        begun = [one for one in self.all if one.session_id.startswith(word)]
        found = exact or named or of_event or begun
        if len(found) > 1:
            names = ", ".join(one.session_id for one in found[:_SHOWN])
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            raise CommandError(f"{word} may mean {names}{more}", FINDINGS)
        if not found:
            hint = "`hilt show --list` lists the conversations"
            raise CommandError(f"no conversation and no event is called {word}; {hint}", FINDINGS)
        return found[0]


def session_of(event: Event) -> str:
    """Return the id of the conversation that an event belongs to; "" if it does not tell."""
    return event_format.word(event.get("session_id"))
