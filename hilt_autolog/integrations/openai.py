"""Helpers for OpenAI's SDK: they make a call, and log it into a session; and answers out of documents.

    with Session("logs/openai.hilt.jsonl") as session:
        completion = log_chat_completion(session, user_message="Translate hello to Spanish")
        text = log_chat_streaming(session, user_message="Explain quantum computing briefly")

With an `AsyncOpenAI` client both are to be awaited. The call goes out and its result comes back, whatever
becomes of the log: of a session that does not take the prompt a `RuntimeWarning` tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import Response, new_message, text_part
from hilt_autolog.providers.openai import PROVIDER, ROUTES
from hilt_autolog.recording.documents import documents_of
from hilt_autolog.recording.manual_call import ManualCall
from hilt_autolog.recording.recorder import recorder_of

from ._helper_call import HelperCall, manual_call_options, request_from_body, token_counts
from ._stream_collector import collect_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hilt_autolog.recording.recorder import EventSink

MODEL = "gpt-4o-mini"
_CONVERSATION = "openai_session"
_CHAT = ROUTES["post", "/chat/completions"]


def log_chat_completion(  # noqa: PLR0913  by name, as users of HILT know them
    session: EventSink,
    *,
    user_message: Any,
    client: Any = None,
    session_id: str | None = None,
    user_id: str = "user",
    assistant_id: str | None = None,
    model: str | None = None,
    system_prompt: str | None = None,
    messages: Sequence[Any] = (),
    **parameters: Any,
) -> Any:
    """Ask for a chat completion, and log it: the prompt before it goes out, then the answer or the error.

    Args:
        session: where it is logged: a `Session`, or anything that has its `append`.
        user_message: what the user says: a text, or a list of content parts.
        client: an `OpenAI`, `AzureOpenAI` or kin, or its async twin; `OpenAI()` if there is none.
        session_id: the conversation; a simple name becomes the same `conv_...` every time. If there is none,
            that of `hilt_autolog.conversation`, or else "openai_session".
        user_id: the actor of the prompt.
        assistant_id: the actor of the answer, if it is not to be the model; and the model, if none is given.
        model: the model, or an Azure deployment; "gpt-4o-mini" if neither is given.
        system_prompt: instructions, which go first.
        messages: the conversation so far, in the way of the API.
        **parameters: whatever else `client.chat.completions.create` takes.

    Returns:
        What the SDK returns; with an async client, an awaitable of it.

    Raises:
        Exception: what the SDK raises, as it is, once a `system` event tells of it.
        ImportError: there is no client, and no SDK to make one.
    """
    body = _body(model or assistant_id, system_prompt, messages, user_message, parameters)
    how = manual_call_options(session_id, _CONVERSATION, user_id, assistant_id)
    return HelperCall(session, PROVIDER, _CHAT, how).made(client or _client(), body)


def log_chat_streaming(  # noqa: PLR0913  as above
    session: EventSink,
    *,
    user_message: Any,
    client: Any = None,
    session_id: str | None = None,
    user_id: str = "user",
    assistant_id: str | None = None,
    model: str | None = None,
    system_prompt: str | None = None,
    messages: Sequence[Any] = (),
    on_delta: Callable[[str], object] | None = None,
    **parameters: Any,
) -> Any:
    """Ask for a chat completion in a stream, read it to its end, and log each delta and the whole.

    Args:
        session: as in `log_chat_completion`, and so are the arguments that are not named here.
        user_message: what the user says.
        client: the client that is asked.
        session_id: the conversation.
        user_id: the actor of the prompt.
        assistant_id: the actor of the answer.
        model: the model.
        system_prompt: instructions, which go first.
        messages: the conversation so far.
        on_delta: is handed each piece of text as it comes, to be shown; what it raises ends the stream.
        **parameters: whatever else `create` takes. The token counts are asked for, unless `stream_options`
            are given (`None` leaves them out, for servers that do not know them).

    Returns:
        The whole text (`str`); with an async client, an awaitable of it.

    Raises:
        Exception: what the SDK raises, as it is, once a `system` event tells of it; what was said before is a
            partial `completion`.
        ImportError: there is no client, and no SDK to make one.
    """
    given = {"stream": True, "stream_options": {"include_usage": True}, **parameters}
    given = {name: value for name, value in given.items() if name != "stream_options" or value is not None}
    body = _body(model or assistant_id, system_prompt, messages, user_message, given)
    how = manual_call_options(session_id, _CONVERSATION, user_id, assistant_id)
    return collect_stream(
        HelperCall(session, PROVIDER, _CHAT, how, streams=True), client or _client(), body, on_delta
    )


def log_rag_interaction(  # noqa: PLR0913  as above
    session: EventSink,
    *,
    user_message: str,
    answer: str | None,
    retrieved_documents: Iterable[Any] | None = None,
    session_id: str | None = None,
    user_id: str = "user",
    assistant_id: str | None = None,
    model: str | None = None,
    answer_metrics: Mapping[str, Any] | None = None,
    retrieval_latency_ms: int | None = None,
) -> None:
    """Log an answer out of documents: the question, a `retrieval` for each document, and the answer.

    Args:
        session: as in `log_chat_completion`.
        user_message: the question.
        answer: the text of the answer.
        retrieved_documents: the best first: dicts of `id`, `text` or `snippet`, `score` and `metadata` (each
            of them optional), texts, pairs with a score, or documents of LangChain's.
        session_id: the conversation, as in `log_chat_completion`.
        user_id: the actor of the prompt.
        assistant_id: the actor of the answer, if it is not to be the model; and the model, if none is given.
        model: the model; "gpt-4o-mini" if neither is given.
        answer_metrics: of `tokens` ({"prompt": 12, "completion": 30}, or as the API spells them), `cost_usd`
            and `latency_ms` those that are known. The cost follows from the tokens.
        retrieval_latency_ms: how long the search took.

    Raises:
        Exception: what the session raises if it does not take the events.
    """
    measured = dict(answer_metrics or {})
    documents = documents_of("retriever", retrieved_documents)
    words = None if answer is None else str(answer) or None
    body = _body(model or assistant_id, None, (), user_message, {})
    prompt = request_from_body(PROVIDER, _CHAT, body)
    reply = Response(
        text=words,
        messages=[new_message("assistant", [text_part(words)])] if words else [],
        model=prompt.model,
        documents=documents,
        tokens=token_counts(measured.pop("tokens", None)),
        extensions={"retrieved_ids": [one.id for one in documents if one.id is not None]},
    )
    how = manual_call_options(
        session_id, _CONVERSATION, user_id, assistant_id, measured, retrieval_latency_ms
    )
    ManualCall(recorder_of(session), PROVIDER, prompt, how).tell(reply)


def _body(
    model: str | None, system_prompt: str | None, messages: Sequence[Any], said: Any, given: dict[str, Any]
) -> dict[str, Any]:
    first = [] if system_prompt is None else [{"role": "system", "content": system_prompt}]
    turns = [*first, *messages, {"role": "user", "content": said}]
    return {"model": model or MODEL, "messages": turns, **given}


def _client() -> Any:
    try:
        from openai import OpenAI
    except ImportError as error:
        raise ImportError('OpenAI\'s SDK is not installed: pip install "hilt-autolog[openai]"') from error
    return OpenAI()
