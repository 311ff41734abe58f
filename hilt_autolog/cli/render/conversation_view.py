"""A conversation as a thread: messages, reasoning, tools, documents and errors, with time and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilt_autolog.format import count, dollars, duration, event_cost, finite_number, section, total_tokens

from . import event_format
from .event_format import ChunkJoiner, as_text, messages_in, parts_in
from .part_renderer import PartRenderer
from .terminal import single_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hilt_autolog.cli.select.conversations import Conversation
    from hilt_autolog.contracts.types import JsonMapping

    from .terminal import Screen

_MAX_WIDTH = 110  # cells: longer lines are hard to read
_NARROW_SCREEN = 80
_INDENT = 10  # as wide as the time and its gap
_MAX_DOCUMENT_LINES = 4
_NORMAL_FINISH_REASONS = ("stop", "end_turn", "tool_calls", "tool_use", "completed", "function_call")
_CHAIN_STEPS = ("started", "completed")
_ROLES = {"human": "user", "agent": "assistant"}
_STYLES = {"user": "cyan", "assistant": "green", "tool": "yellow", "system": "magenta"}


class ConversationView:
    """Renders a conversation as lines.

    Args:
        screen: the capabilities of stdout.
        is_full: whether no text is shortened and the steps of chains are shown.
    """

    def __init__(self, screen: Screen, *, is_full: bool = False) -> None:
        self._screen = screen
        self._is_full = is_full
        self._indent = " " * (2 if screen.width and screen.width < _NARROW_SCREEN else _INDENT)
        width = None if screen.width is None else min(screen.width, _MAX_WIDTH) - len(self._indent)
        self._parts = PartRenderer(screen, width, is_full=is_full)
        self._shown_tool_calls: set[str] = set()  # event ids of answers whose entries show their tool calls
        self._shown_results: set[str] = set()  # call ids, or else texts, of tool results that have entries

    def heading(self, conversation: Conversation, first: JsonMapping) -> Iterator[str]:
        """Yield the lines above the thread: names, time of the first event, models that answered."""
        names = [name for name in (conversation.name, conversation.session_id) if name]
        title, *others = map(single_line, names or ["(no session_id)"])
        yield "  ".join(
            [self._screen.styled(title, "bold"), *(self._screen.styled(name, "dim") for name in others)]
        )
        begin = event_format.local_time(first)
        notes = [f"{begin:%Y-%m-%d %H:%M:%S}"] if begin else []
        yield self._screen.styled(" · ".join([*notes, *map(single_line, conversation.models)]), "dim")

    def summary(self, conversation: Conversation) -> Iterator[str]:
        """Yield the lines below the thread: calls, tokens, cost and errors."""
        totals = conversation.totals
        notes = [count(totals.calls, "call")]
        notes += [count(totals.tokens, "token")] if totals.tokens is not None else []
        notes += [dollars(totals.cost)] if totals.cost is not None else []
        notes += [count(totals.errors, "error")] if totals.errors else []
        yield ""
        yield self._screen.styled(" · ".join(notes), "dim")

    def lines(self, events: Iterable[JsonMapping]) -> Iterator[str]:
        """Yield the lines of events in the order of their time, an empty line before each entry."""
        joiner = ChunkJoiner()
        for event in events:
            for row in joiner.add(event):
                if "chunks" not in row:  # the completion that follows has the whole text
                    yield from self._event_lines(row)
        for row in joiner.flush():
            notes = [count(row["chunks"], "chunk"), "no end"]
            yield from self._entry(row, event_format.actor_name(row), "green", notes, self._render_body(row))

    def messages(self, messages: Iterable[JsonMapping]) -> Iterator[str]:
        """Yield the lines of messages, such as those of a request."""
        for message in messages:
            role = as_text(message.get("role"))
            yield from self._entry({}, role, _STYLES.get(role, "bold"), [], self._message_lines(message))

    def _event_lines(self, event: JsonMapping) -> Iterator[str]:
        if event.get("action") == "prompt":
            yield from self._prompt_lines(event)
        elif not self._is_redundant(event):
            style = "red" if event_format.is_error(event) else _STYLES.get(_role(event), "bold")
            name = event_format.actor_name(event)
            yield from self._entry(event, name, style, _notes(event), self._render_body(event))

    def _is_redundant(self, event: JsonMapping) -> bool:
        """Return whether an event needs no entry: a tool call whose answer shows it, or a chain marker."""
        if event.get("action") == "tool_call":
            return as_text(section(event, "extensions").get("reply_to")) in self._shown_tool_calls
        return not self._is_full and is_chain_marker(event)

    def _prompt_lines(self, event: JsonMapping) -> Iterator[str]:
        """Yield an entry for each message of a prompt, without tool results that have entries already."""
        messages = messages_in(content := section(event, "content"))
        if not messages and "messages" not in content:
            name, style = event_format.actor_name(event), _STYLES.get(_role(event), "bold")
            yield from self._entry(event, name, style, [], self._render_body(event))
        for message in messages:
            role = as_text(message.get("role"))
            name = event_format.actor_name(event) if role == _role(event) else role
            body = list(self._message_lines(message))
            if body:
                yield from self._entry(event, name, _STYLES.get(role, "bold"), [], body)

    def _render_body(self, event: JsonMapping) -> Iterator[str]:
        """Yield the lines of an event's text, and add what they show to the two sets of shown ids."""
        content, extensions = section(event, "content"), section(event, "extensions")
        text = event_format.event_text(event)
        match event.get("action"):
            case "tool_call":
                yield from self._parts.tool_call(as_text(extensions.get("tool")), content.get("text"))
            case "tool_result":
                call_id = as_text(extensions.get("tool_call_id"))
                self._shown_results.add(call_id or as_text(content.get("text")))
                yield from self._parts.plain_text(self._parts.format_json(content.get("text")))
            case "retrieval":
                yield from self._parts.plain_text(text, max_lines=_MAX_DOCUMENT_LINES)
            case "system":
                yield from self._parts.plain_text(text, "red" if event_format.is_error(event) else "dim")
            case _:
                messages = messages_in(content)
                types = [as_text(part.get("type")) for message in messages for part in parts_in(message)]
                if any("tool_call" in part_type for part_type in types):
                    self._shown_tool_calls.add(as_text(event.get("event_id")))
                lines = [line for message in messages for line in self._message_lines(message)]
                yield from lines or self._parts.markdown(text)

    def _message_lines(self, message: JsonMapping) -> Iterator[str]:
        for part in parts_in(message):
            if part.get("type") == "tool_call_response":
                result = as_text(part.get("id")) or as_text(part.get("response"))
                if result in self._shown_results:
                    continue
            yield from self._parts.part(part)

    def _entry(
        self, event: JsonMapping, name: str, style: str, notes: list[str], body: Iterable[str]
    ) -> Iterator[str]:
        time = event_format.local_time(event) if event else None
        heading = [self._screen.styled(f"{time:%H:%M:%S}", "dim")] if time else []
        heading.append(self._screen.styled(single_line(name) or "?", "bold", style))
        if notes:
            heading.append(self._screen.styled(" · ".join(map(single_line, notes)), "dim"))
        yield ""
        yield "  ".join(heading)
        for line in body:
            yield self._indent + line if line else ""


def _role(event: JsonMapping) -> str:
    actor_type = as_text(section(event, "actor").get("type"))
    return _ROLES.get(actor_type, actor_type)


def is_chain_marker(event: JsonMapping) -> bool:
    """Return whether an event only marks that a chain started, or completed without an error."""
    is_chain = event.get("action") == "system" and "langchain" in section(event, "provenance")
    return is_chain and section(event, "content").get("text") in _CHAIN_STEPS


def _notes(event: JsonMapping) -> list[str]:
    """Return the notes beside a name: latency, tokens, cost, finish reason, and those of a document."""
    extensions = section(event, "extensions")
    notes = []
    if (latency := event_format.latency_ms(event)) is not None:
        notes.append(duration(latency))
    if (ttft := event_format.latency_ms(event, "ttft_ms")) is not None:
        notes.append(f"first token {duration(ttft)}")
    tokens = section(section(event, "metrics"), "tokens")
    prompt, completion = (finite_number(tokens.get(key)) for key in ("prompt", "completion"))
    if prompt is not None and completion is not None:
        notes.append(f"{prompt:,.0f} + {completion:,.0f} tokens")
    elif (total := total_tokens(event)) is not None:
        notes.append(count(total, "token"))
    if (cost := event_cost(event)) is not None:
        notes.append(dollars(cost))
    reason = as_text(extensions.get("finish_reason"))
    if reason and reason.lower() not in _NORMAL_FINISH_REASONS:
        notes.append(reason)
    if extensions.get("partial") is True:
        notes.append(f"cut: {as_text(extensions.get('ended')) or 'partial'}")
    notes += [f"{key} {as_text(extensions[key])}" for key in ("rank", "score", "label") if key in extensions]
    if "document_id" in extensions:
        notes.append(as_text(extensions["document_id"]))
    return notes
