"""The conversations of a log: each with its name, times and sums; and the lookup of one by name or id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hilt_autolog.cli.exit_codes import FINDINGS, CommandError
from hilt_autolog.cli.render import event_format
from hilt_autolog.format import PROCESS_ACTOR, CallTotals, section, session_id_of
from hilt_autolog.reading.lines import sortable_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hilt_autolog.contracts.types import JsonMapping, JsonObject

SHOWN_ID_LENGTH = 17  # characters of a session id in a list; enough to find a generated id again
_LATEST = "last"
_MAX_CANDIDATES = 5  # in the message about an ambiguous name


@dataclass(slots=True)
class Conversation:
    """A conversation in a log.

    Attributes:
        session_id: the id that its events share.
        name: its name, if the program has set one.
        begin: the time of its first event, "" if no event has a time; `end` that of its last.
        totals: its calls, errors, tokens and cost.
        models: the models that answered, in order, as keys.
        first_text: the text of its first prompt.
    """

    session_id: str
    name: str | None = None
    begin: str = ""
    end: str = ""
    totals: CallTotals = field(default_factory=CallTotals)
    models: dict[str, None] = field(default_factory=dict)
    first_text: str = ""

    def add(self, event: JsonMapping) -> None:
        """Add an event to the totals."""
        action = event.get("action")
        moment = sortable_time(event)
        self.begin = min(filter(None, (self.begin, moment)), default="")
        self.end = max(self.end, moment)
        name = section(event, "extensions").get("conversation")
        self.name = self.name or event_format.as_text(name) or None
        if action == "prompt" and not self.first_text:
            self.first_text = event_format.event_text(event)
        if action in ("completion", "embedding"):
            self.models[event_format.actor_name(event)] = None
        self.totals.add(event)

    def as_json(self) -> JsonObject:
        """Return it as a JSON object; unknown values are null."""
        return {
            "conversation": self.name,
            "session_id": self.session_id,
            "begin": self.begin or None,
            "end": self.end or None,
            "calls": self.totals.calls,
            "errors": self.totals.errors,
            "tokens": self.totals.tokens,
            "cost_usd": self.totals.cost,
            "models": list(self.models),
            "words": self.first_text,
        }


class ConversationIndex:
    """The conversations of a log, by the time of their last events.

    Attributes:
        all: the conversations, the latest last.

    Args:
        events: the events of the log; only sums are kept.
        event_id: an event id by which `find` can look up its conversation.
    """

    def __init__(self, events: Iterable[JsonMapping], event_id: str | None = None) -> None:
        conversations: dict[str, Conversation] = {}
        self._event_session: str | None = None  # of the event with `event_id`
        for event in events:
            session_id = session_id_in(event)
            is_about_process = section(event, "actor").get("id") == PROCESS_ACTOR
            if is_about_process and session_id not in conversations:
                continue
            if session_id not in conversations:
                conversations[session_id] = Conversation(session_id)
            conversations[session_id].add(event)
            if event_id is not None and event.get("event_id") == event_id:
                self._event_session = session_id
        self.all = sorted(conversations.values(), key=lambda conversation: conversation.end)

    def find(self, name: str | None) -> Conversation:
        """Return a conversation by its name or id; the latest if `name` is None.

        Args:
            name: the conversation's name, also where its events have only the session id that is derived from
                it; its session id or the beginning of that; the id of one of its events; or "last".

        Raises:
            CommandError: no conversation matches, or several do.
        """
        if not self.all:
            raise CommandError("the log has no conversation", FINDINGS)
        if name is None or name == _LATEST:
            return self.all[-1]
        matches = (
            self._matching(lambda conversation: name in (conversation.name, conversation.session_id))
            or self._matching(lambda conversation: conversation.session_id == session_id_of(name))
            or self._matching(lambda conversation: conversation.session_id == self._event_session)
            or self._matching(lambda conversation: conversation.session_id.startswith(name))
        )
        if len(matches) > 1:
            candidates = ", ".join(match.session_id for match in matches[:_MAX_CANDIDATES])
            more = f" and {len(matches) - _MAX_CANDIDATES} more" if len(matches) > _MAX_CANDIDATES else ""
            raise CommandError(f"{name} may mean {candidates}{more}", FINDINGS)
        if not matches:
            hint = "`hilt show --list` lists the conversations"
            raise CommandError(f"no conversation and no event is called {name}; {hint}", FINDINGS)
        return matches[0]

    def _matching(self, predicate: Callable[[Conversation], bool]) -> list[Conversation]:
        return list(filter(predicate, self.all))


def session_id_in(event: JsonMapping) -> str:
    """Return the session id of an event; "" if it has none."""
    return event_format.as_text(event.get("session_id"))
