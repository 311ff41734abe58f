"""A conversation as a thread: who said what, with thoughts, tools, documents, errors, time and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.cli.select.sources import part

from . import event_format
from .event_format import ChunkFolder
from .part_renderer import PartRenderer, messages_of, parts_of
from .terminal import in_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hilt_autolog.cli.select.conversations import Conversation

    from .terminal import Screen

Event = dict[str, Any]

_WIDEST = 110  # cells: longer lines are hard to read
_NARROW = 80
_INDENT = 10  # below the time
_MOST_OF_DOCUMENT = 4  # lines
_ORDINARY = ("stop", "end_turn", "tool_calls", "tool_use", "completed", "function_call")  # ends of an answer
_STEPS = ("started", "completed")  # of a chain
_ROLES = {"human": "user", "agent": "assistant"}
_STYLES = {"user": "cyan", "assistant": "green", "tool": "yellow", "system": "magenta"}


class ConversationView:
    """Makes the lines of a conversation.

    Args:
        screen: What they are printed on.
        is_full: Whether no text is shortened, and the steps of chains are shown.
    """

    def __init__(self, screen: Screen, *, is_full: bool = False) -> None:
        self._screen = screen
        self._is_full = is_full
        self._indent = " " * (2 if screen.width and screen.width < _NARROW else _INDENT)
        width = None if screen.width is None else min(screen.width, _WIDEST) - len(self._indent)
        self._parts = PartRenderer(screen, width, is_full=is_full)
        self._calling: set[str] = set()  # answers that were shown with their calls of tools
        self._results: set[str] = set()  # of tools, that were shown: their ids and texts

    def heading(self, conversation: Conversation, first: Event) -> Iterator[str]:
        """Yield the lines above: its names, when it began, the models that answered."""
        names = [name for name in (conversation.name, conversation.session_id) if name]
        title, *others = map(in_line, names or ["(no session_id)"])
        yield "  ".join(
            [self._screen.styled(title, "bold"), *(self._screen.styled(o, "dim") for o in others)]
        )
        begun = event_format.local_time(first)
        notes = [f"{begun:%Y-%m-%d %H:%M:%S}"] if begun else []
        yield self._screen.styled(" · ".join([*notes, *map(in_line, conversation.models)]), "dim")

    def sums(self, conversation: Conversation) -> Iterator[str]:
        """Yield the lines below: what it was in all."""
        notes = [event_format.count(conversation.calls, "call")]
        notes += [event_format.count(conversation.tokens, "token")] if conversation.tokens is not None else []
        notes += [event_format.dollars(conversation.cost)] if conversation.cost is not None else []
        notes += [event_format.count(conversation.errors, "error")] if conversation.errors else []
        yield ""
        yield self._screen.styled(" · ".join(notes), "dim")

    def lines(self, events: Iterable[Event]) -> Iterator[str]:
        """Yield the lines of the events, in the order of their time; an empty one before each entry."""
        folded = ChunkFolder()
        for event in events:
            for row in folded.take(event):
                if "pieces" not in row:  # a stream is told whole by its end
                    yield from self._event(row)
        for row in folded.rest():
            notes = [event_format.count(row["pieces"], "piece"), "no end"]
            yield from self._entry(row, event_format.actor(row), "green", notes, self._body(row))

    def messages(self, messages: Iterable[dict[str, Any]]) -> Iterator[str]:
        """Yield the lines of messages, such as a model is sent."""
        for message in messages:
            role = event_format.word(message.get("role"))
            yield from self._entry({}, role, _STYLES.get(role, "bold"), [], self._said(message))

    def _event(self, event: Event) -> Iterator[str]:
        if event.get("action") == "prompt":
            yield from self._prompt(event)
        elif not self._is_told(event):
            style = "red" if event_format.is_error(event) else _STYLES.get(_role(event), "bold")
            yield from self._entry(event, event_format.actor(event), style, _notes(event), self._body(event))

    def _is_told(self, event: Event) -> bool:
        """Return whether others say it as well: the answer that calls a tool, the parts of a chain."""
        if event.get("action") == "tool_call":
            return event_format.word(part(event, "extensions").get("reply_to")) in self._calling
        return not self._is_full and is_step(event)

    def _prompt(self, event: Event) -> Iterator[str]:
        """Yield an entry for each message that is new, but for results that their own events have shown."""
        messages = messages_of(content := part(event, "content"))
        if not messages and "messages" not in content:
            yield from self._entry(
                event, event_format.actor(event), _STYLES.get(_role(event), "bold"), [], self._body(event)
            )
        for message in messages:
            role = event_format.word(message.get("role"))
            who = event_format.actor(event) if role == _role(event) else role
            body = list(self._said(message))
            if body:
                yield from self._entry(event, who, _STYLES.get(role, "bold"), [], body)

    def _body(self, event: Event) -> Iterator[str]:
        content, extensions = part(event, "content"), part(event, "extensions")
        text = event_format.text(event)
        match event.get("action"):
            case "tool_call":
                yield from self._parts.call(event_format.word(extensions.get("tool")), content.get("text"))
            case "tool_result":
                self._results.add(
                    event_format.word(extensions.get("tool_call_id"))
                    or event_format.word(content.get("text"))
                )
                yield from self._parts.text(self._parts.pretty(content.get("text")))
            case "retrieval":
                yield from self._parts.text(text, most=_MOST_OF_DOCUMENT)
            case "system":
                yield from self._parts.text(text, "red" if event_format.is_error(event) else "dim")
            case _:
                messages = messages_of(content)
                if any(
                    "tool_call" in event_format.word(p.get("type")) for m in messages for p in parts_of(m)
                ):
                    self._calling.add(event_format.word(event.get("event_id")))
                lines = [line for message in messages for line in self._said(message)]
                yield from lines or self._parts.said(text)

    def _said(self, message: dict[str, Any]) -> Iterator[str]:
        for found in parts_of(message):
            if found.get("type") == "tool_call_response":
                known = event_format.word(found.get("id")) or event_format.word(found.get("response"))
                if known in self._results:
                    continue
            yield from self._parts.part(found)

    def _entry(
        self, event: Event, who: str, style: str, notes: list[str], body: Iterable[str]
    ) -> Iterator[str]:
        time = event_format.local_time(event) if event else None
        head = [self._screen.styled(f"{time:%H:%M:%S}", "dim")] if time else []
        head.append(self._screen.styled(in_line(who) or "?", "bold", style))
        if notes:
            head.append(self._screen.styled(" · ".join(map(in_line, notes)), "dim"))
        yield ""
        yield "  ".join(head)
        for line in body:
            yield self._indent + line if line else ""


def _role(event: Event) -> str:
    kind = event_format.word(part(event, "actor").get("type"))
    return _ROLES.get(kind, kind)


def is_step(event: Event) -> bool:
    """Return whether an event only tells that a chain has begun, or has ended well."""
    of_chain = event.get("action") == "system" and "langchain" in part(event, "provenance")
    return of_chain and part(event, "content").get("text") in _STEPS


def _notes(event: Event) -> list[str]:
    """Return what is told beside who spoke: how long it took, how much it was, how it ended."""
    extensions = part(event, "extensions")
    notes = []
    if (latency := event_format.latency(event)) is not None:
        notes.append(event_format.duration(latency))
    if (first := event_format.latency(event, "ttft_ms")) is not None:
        notes.append(f"first token {event_format.duration(first)}")
    told = part(part(event, "metrics"), "tokens")
    asked, answered = (event_format.number(told.get(key)) for key in ("prompt", "completion"))
    if asked is not None and answered is not None:
        notes.append(f"{asked:,.0f} + {answered:,.0f} tokens")
    elif (total := event_format.tokens(event)) is not None:
        notes.append(event_format.count(total, "token"))
    if (cost := event_format.cost(event)) is not None:
        notes.append(event_format.dollars(cost))
    if (end := event_format.word(extensions.get("finish_reason"))) and end.lower() not in _ORDINARY:
        notes.append(end)
    if extensions.get("partial") is True:
        notes.append(f"cut: {event_format.word(extensions.get('ended')) or 'partial'}")
    notes += [
        f"{key} {event_format.word(extensions[key])}"
        for key in ("rank", "score", "label")
        if key in extensions
    ]
    if "document_id" in extensions:
        notes.append(event_format.word(extensions["document_id"]))
    return notes
