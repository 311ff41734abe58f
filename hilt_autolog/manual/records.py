"""Record retrieved documents, tool runs and feedback of a program itself.

Each record is linked to the current call: the latest of this task or thread, or of the conversation that
`hilt_autolog.conversation` names. It is written to this process's log, or to the `session` argument; without
either it is dropped silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hilt_autolog.contracts.model import Operation, Request, Response, new_message, text_part
from hilt_autolog.contracts.sdk_objects import float_or_none, milliseconds_or_none
from hilt_autolog.internal_errors import capture_errors
from hilt_autolog.log.json_values import to_json_value
from hilt_autolog.recording.conversations import current_position
from hilt_autolog.recording.documents import documents_of
from hilt_autolog.recording.events import extensions_of, new_event, prompt_event, retrieval_event
from hilt_autolog.recording.recorder import recorder_of
from hilt_autolog.runs.own_tool import OwnTool
from hilt_autolog.runtime import control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hilt_autolog.contracts.types import EventDict
    from hilt_autolog.recording.conversations import ConversationPosition
    from hilt_autolog.recording.recorder import EventSink, Recorder

T = TypeVar("T")
_RETRIEVAL = Operation("retrieval", lambda _: [], lambda _: Response())


def record_retrieval(
    query: str | None = None,
    documents: Iterable[object] = (),
    *,
    retriever: str = "retriever",
    latency_ms: int | None = None,
    session: EventSink | None = None,
) -> list[str]:
    """Record the documents of a search: a `retrieval` event for each.

    They reply to the tool that searches (see `tool`), or to the latest prompt. The query is written as a
    prompt of its own, unless the latest prompt has no answer yet: then the search is part of that call.

    Args:
        query: the text of the search; None if the latest prompt is the query.
        documents: the documents, best first: dicts of `id`, `text`, `score` and `metadata` (each of them
            optional), texts, pairs with a score, or LangChain's documents.
        retriever: the name of the retriever.
        latency_ms: how long the search took, in milliseconds.
        session: where to write it; this process's log if None.

    Returns:
        The ids of the `retrieval` events; none where nothing is recorded.

    Raises:
        Exception: what `session` raises.
    """
    retrieved, latency_ms = documents_of(retriever, documents), milliseconds_or_none(latency_ms)

    def record(recorder: Recorder) -> list[str]:
        position = recorder.conversations.current()
        if query is not None and (position.prompt_id is None or position.answer_id is not None):
            position = _write_query(recorder, position, query)
        events = []
        for rank, document in enumerate(retrieved, 1):
            event = retrieval_event(position.session_id, document, rank, position.prompt_id)
            if latency_ms is not None:
                event["metrics"] = {"latency_ms": latency_ms}
                event["extensions"]["latency_ms"] = latency_ms
            events.append(_write(recorder, position, event))
        return events

    return _record(session, record) or []


def record_tool(  # noqa: PLR0913  by name, and all of one tool run
    name: str,
    arguments: object = None,
    result: object = None,
    *,
    error: BaseException | None = None,
    tool_call_id: str | None = None,
    latency_ms: int | None = None,
    session: EventSink | None = None,
) -> str | None:
    """Record a tool that has run: its `tool_result`, and a `tool_call` if no answer has requested it.

    The tool call of an answer is matched by its id, else by the tool's name in this conversation: the oldest
    call without a result whose arguments are the same, else whose arguments do not contradict. When the next
    request repeats the result, it is not written again.

    Args:
        name: the name of the tool.
        arguments: its arguments: a dict, JSON text, or any JSON value.
        result: its result: a text, or any JSON value.
        error: its exception, if it failed: written as a `system` event instead of a result.
        tool_call_id: the id of the tool call in the answer that has requested it.
        latency_ms: how long it took, in milliseconds.
        session: where to write it; this process's log if None.

    Returns:
        The id of the event that replies to the call; None where nothing is recorded, and where the result is
        in the log already.

    Raises:
        Exception: what `session` raises.
    """
    latency_ms = milliseconds_or_none(latency_ms)

    def record(recorder: Recorder) -> str | None:
        run = OwnTool(recorder, name, arguments, tool_call_id, latency_ms)
        run.start(is_recorded_by_sdk=False)
        if error is None:
            run.write_end(result)
        else:
            run.write_failure(error)
        return run.end_event_id

    return _record(session, record)


def record_feedback(  # noqa: PLR0913  as above
    text: str | None = None,
    *,
    score: float | None = None,
    label: str | None = None,
    user_id: str | None = None,
    reply_to: str | None = None,
    session: EventSink | None = None,
) -> str | None:
    """Record a person's feedback on the latest answer. Text, score or label is required.

    Args:
        text: the feedback in words.
        score: the feedback as a finite number.
        label: the feedback as a word: "good", "wrong", "unsafe" ...
        user_id: the person; the setting `user` if None.
        reply_to: the id of the event that it is about; the latest answer if None.
        session: where to write it; this process's log if None.

    Returns:
        The id of the event; None where nothing is recorded.

    Raises:
        ValueError: there is neither a text, a score nor a label, or the score is no finite number.
        Exception: what `session` raises.
    """
    if text is None and score is None and label is None:
        raise ValueError("feedback has a text, a score or a label")
    finite_score = int(score) if isinstance(score, int) else float_or_none(score)
    if score is not None and finite_score is None:
        raise ValueError(f"a score is a finite number, not {score!r}")

    def record(recorder: Recorder) -> str:
        position = recorder.conversations.current()
        event = new_event("feedback", position.session_id, "human", user_id or recorder.user)
        if text is not None:
            event["content"] = {"text": text}
        subject = reply_to or position.answer_id or position.prompt_id
        event["extensions"] = extensions_of(subject, score=finite_score, label=label)
        return _write(recorder, position, event)

    return _record(session, record)


def _record(session: EventSink | None, record: Callable[[Recorder], T]) -> T | None:
    """Record into a session, whose exceptions are raised, or into this process's log, if it has one."""
    if session is not None:
        return record(recorder_of(session))
    recorder = control.recorder()
    return None if recorder is None else capture_errors(record)(recorder)


def _write_query(recorder: Recorder, position: ConversationPosition, query: str) -> ConversationPosition:
    """Write the prompt of a search, and make it the current position."""
    request = Request(_RETRIEVAL, "", None, [new_message("user", [text_part(query)])], {})
    event = prompt_event(request, position, recorder.user, None, is_plain=True)
    del event["provenance"]
    event["extensions"] = extensions_of(position.answer_id)
    event_id = _write(recorder, position, event)
    position = recorder.conversations.position_at(position.session_id, position.name, event_id)
    current_position.set(position)
    return position


def _write(recorder: Recorder, position: ConversationPosition, event: EventDict) -> str:
    position = recorder.conversations.with_current_context(position)
    return recorder.emit(to_json_value(event), position)
