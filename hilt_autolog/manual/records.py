"""What a program tells by itself: documents that it has found, tools that it has run, what people think.

Each is linked to the call that is current: the latest of this task or thread, or of the conversation that
`hilt_autolog.conversation` names. It is written into this process's log, or into a `Session` if one is given;
where nothing is recorded, nothing happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from hilt_autolog.contracts.model import Operation, Request, Response, new_message, text_part
from hilt_autolog.contracts.sdk_objects import float_or_none, milliseconds_or_none
from hilt_autolog.internal_errors import capture_errors
from hilt_autolog.log.json_values import to_json_value
from hilt_autolog.recording.context import current_position, tags_with
from hilt_autolog.recording.documents import documents_of
from hilt_autolog.recording.events import blank, linked, prompt_event, retrieval_event
from hilt_autolog.recording.recorder import recorder_of
from hilt_autolog.runs.own_tool import OwnTool
from hilt_autolog.runtime import control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hilt_autolog.recording.conversations import ConversationPosition
    from hilt_autolog.recording.events import Event
    from hilt_autolog.recording.recorder import EventSink, Recorder

T = TypeVar("T")
_RETRIEVAL = Operation("retrieval", lambda _: [], lambda _: Response())


def record_retrieval(
    query: str | None = None,
    documents: Iterable[Any] = (),
    *,
    retriever: str = "retriever",
    latency_ms: int | None = None,
    session: EventSink | None = None,
) -> list[str]:
    """Record documents that a search has found: a `retrieval` event for each.

    They reply to the tool that searches (see `tool`), or to the latest prompt. A query is a prompt itself,
    unless a prompt that waits for its answer stands for it.

    Args:
        query: what was searched for; leave it out where the latest call asked for it.
        documents: the best first: dicts of `id`, `text`, `score` and `metadata` (each of them optional),
            texts, pairs with a score, or documents of LangChain's.
        retriever: who searched.
        latency_ms: how long the search took.
        session: where it is written, if not into this process's log.

    Returns:
        The ids of the retrievals; none where nothing is recorded.

    Raises:
        Exception: what a session that is given raises.
    """
    found, took = documents_of(retriever, documents), milliseconds_or_none(latency_ms)

    def record(recorder: Recorder) -> list[str]:
        place = recorder.conversations.standing()
        if query is not None and (place.prompt_id is None or place.answer_id is not None):
            place = _asked(recorder, place, query)
        events = []
        for rank, document in enumerate(found, 1):
            event = retrieval_event(place.session_id, document, rank, place.prompt_id)
            if took is not None:
                event["metrics"] = {"latency_ms": took}
                event["extensions"]["latency_ms"] = took
            events.append(_write(recorder, place, event))
        return events

    return _recorded(session, record) or []


def record_tool(  # noqa: PLR0913  by name, and all of one deed
    name: str,
    arguments: Any = None,
    result: Any = None,
    *,
    error: BaseException | None = None,
    tool_call_id: str | None = None,
    latency_ms: int | None = None,
    session: EventSink | None = None,
) -> str | None:
    """Record a tool that has run: its `tool_result`, and its `tool_call` if no answer has asked for it.

    The call that it answers is found by its id, else by the tool's name in this conversation: the oldest that
    has no result, of those with the same arguments, else of those whose arguments do not contradict. When the
    next request repeats the result, it is not written again.

    Args:
        name: the tool's.
        arguments: what it was given: a dict, JSON text, or anything that JSON can say.
        result: what it gave back: a text, or anything that JSON can say.
        error: why it failed, if it did: a `system` event instead of a result.
        tool_call_id: the id of the call that an answer asked for it by.
        latency_ms: how long it took.
        session: where it is written, if not into this process's log.

    Returns:
        The id of the event that replies to the call; None where nothing is recorded, and where the result is
        in the log already.

    Raises:
        Exception: what a session that is given raises.
    """
    took = milliseconds_or_none(latency_ms)

    def record(recorder: Recorder) -> str | None:
        run = OwnTool(recorder, name, arguments, tool_call_id)
        run.took = {} if took is None else {"latency_ms": took}
        run.start(is_served=False)
        if error is None:
            run.completed(result)
        else:
            run.failed(error)
        return run.ended_by

    return _recorded(session, record)


def record_feedback(  # noqa: PLR0913  as above
    text: str | None = None,
    *,
    score: float | None = None,
    label: str | None = None,
    user_id: str | None = None,
    reply_to: str | None = None,
    session: EventSink | None = None,
) -> str | None:
    """Record what a person thinks of the latest answer.

    Args:
        text: in words.
        score: as a number.
        label: as a word: "good", "wrong", "unsafe" ...
        user_id: who says so; the setting `user`, if nobody is named.
        reply_to: the id of the event that is judged, if it is not the latest answer.
        session: where it is written, if not into this process's log.

    Returns:
        The id of the event; None where nothing is recorded.

    Raises:
        ValueError: nothing is said, or the score is no finite number.
        Exception: what a session that is given raises.
    """
    if text is None and score is None and label is None:
        raise ValueError("feedback has a text, a score or a label")
    counted = int(score) if isinstance(score, int) else float_or_none(score)
    if score is not None and counted is None:
        raise ValueError(f"a score is a finite number, not {score!r}")

    def record(recorder: Recorder) -> str:
        place = recorder.conversations.standing()
        event = blank("feedback", place.session_id, "human", user_id or recorder.user)
        if text is not None:
            event["content"] = {"text": text}
        judged = reply_to or place.answer_id or place.prompt_id
        event["extensions"] = linked(judged, score=counted, label=label)
        return _write(recorder, place, event)

    return _recorded(session, record)


def _recorded(session: EventSink | None, record: Callable[[Recorder], T]) -> T | None:
    """Record into a session, whose exceptions are the program's, or into this process's log if it has one."""
    if session is not None:
        return record(recorder_of(session))
    recorder = control.recorder()
    return None if recorder is None else capture_errors(record)(recorder)


def _asked(recorder: Recorder, place: ConversationPosition, query: str) -> ConversationPosition:
    """Write the prompt of a search, and stand there."""
    asked = [new_message("user", [text_part(query)])]
    prompt = Request(_RETRIEVAL, "", None, asked, {})
    event = prompt_event(prompt, place, recorder.user, None, is_plain_text=True)
    del event["provenance"]
    event["extensions"] = linked(place.answer_id)
    event_id = _write(recorder, place, event)
    asking = recorder.conversations.spot(place.session_id, place.name, event_id)
    current_position.set(asking)
    return asking


def _write(recorder: Recorder, place: ConversationPosition, event: Event) -> str:
    extensions = event["extensions"]
    if place.name is not None:
        extensions["conversation"] = place.name
    if tags := tags_with(recorder.tags):
        extensions["tags"] = tags
    recorder.write(to_json_value(event))
    return event["event_id"]  # type: ignore[no-any-return]
