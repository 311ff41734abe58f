"""Helpers for OpenAI's SDK that make a call and log it into a session, or log an answer from documents.

    with Session("logs/openai.hilt.jsonl") as session:
        completion = log_chat_completion(session, user_message="Translate hello to Spanish")
        text = log_chat_streaming(session, user_message="Explain quantum computing briefly")

With an `AsyncOpenAI` client both are to be awaited. The call is made and its result returned even if it
cannot be logged: if the session does not accept the prompt, a `RuntimeWarning` is issued.
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

    from hilt_autolog.contracts.types import JsonObject
    from hilt_autolog.recording.recorder import EventSink

MODEL = "gpt-4o-mini"
_CONVERSATION = "openai_session"
_CHAT = ROUTES["post", "/chat/completions"]


def log_chat_completion(  # noqa: PLR0913  by name, as users of HILT know them
    session: EventSink,
    *,
    user_message: object,
    client: Any = None,
    session_id: str | None = None,
    user_id: str = "user",
    assistant_id: str | None = None,
    model: str | None = None,
    system_prompt: str | None = None,
    messages: Sequence[object] = (),
    **parameters: object,
) -> Any:
    """Create a chat completion, and log it: the prompt before the request, then the answer or the error.

    Args:
        session: where it is logged: a `Session`, or any object with its `append`.
        user_message: the user's message: a text, or a list of content parts.
        client: an `OpenAI`, `AzureOpenAI` or similar client, sync or async; `OpenAI()` if None.
        session_id: the conversation; a simple name becomes the same `conv_...` every time. If there is none,
            that of `hilt_autolog.conversation`, or else "openai_session".
        user_id: the actor of the prompt.
        assistant_id: the actor of the answer (the model if None); and the model, if `model` is None.
        model: the model, or an Azure deployment; "gpt-4o-mini" if there is no `assistant_id` either.
        system_prompt: instructions, which become the first message.
        messages: the conversation so far, in the API's format.
        **parameters: other arguments of `client.chat.completions.create`.

    Returns:
        The SDK's return value; with an async client, an awaitable of it.

    Raises:
        Exception: what the SDK raises, unchanged, after it is logged as a `system` event.
        ImportError: `client` is None, and the SDK is not installed.
    """
    body = _body(model or assistant_id, system_prompt, messages, user_message, parameters)
    options = manual_call_options(session_id, _CONVERSATION, user_id, assistant_id)
    return HelperCall(session, PROVIDER, _CHAT, options).execute(client or _client(), body)


def log_chat_streaming(  # noqa: PLR0913  as above
    session: EventSink,
    *,
    user_message: object,
    client: Any = None,
    session_id: str | None = None,
    user_id: str = "user",
    assistant_id: str | None = None,
    model: str | None = None,
    system_prompt: str | None = None,
    messages: Sequence[object] = (),
    on_delta: Callable[[str], object] | None = None,
    **parameters: object,
) -> Any:
    """Create a chat completion as a stream, read it to its end, and log each delta and the whole.

    Args:
        session: where it is logged; this and the arguments below are those of `log_chat_completion`.
        user_message: the user's message.
        client: the client that makes the call.
        session_id: the conversation.
        user_id: the actor of the prompt.
        assistant_id: the actor of the answer.
        model: the model.
        system_prompt: instructions, which become the first message.
        messages: the conversation so far.
        on_delta: called with each piece of text as it arrives; an exception of its own ends the stream.
        **parameters: other arguments of `create`. The stream includes the token counts, unless
            `stream_options` is among them (`None` omits it, for servers that do not know it).

    Returns:
        The whole text (`str`); with an async client, an awaitable of it.

    Raises:
        Exception: what the SDK raises, unchanged, after it is logged as a `system` event, and the text before
            it as a partial `completion`.
        ImportError: `client` is None, and the SDK is not installed.
    """
    arguments = {"stream": True, "stream_options": {"include_usage": True}, **parameters}
    if arguments["stream_options"] is None:
        del arguments["stream_options"]
    body = _body(model or assistant_id, system_prompt, messages, user_message, arguments)
    options = manual_call_options(session_id, _CONVERSATION, user_id, assistant_id)
    helper_call = HelperCall(session, PROVIDER, _CHAT, options, streams=True)
    return collect_stream(helper_call, client or _client(), body, on_delta)


def log_rag_interaction(  # noqa: PLR0913  as above
    session: EventSink,
    *,
    user_message: str,
    answer: str | None,
    retrieved_documents: Iterable[object] | None = None,
    session_id: str | None = None,
    user_id: str = "user",
    assistant_id: str | None = None,
    model: str | None = None,
    answer_metrics: Mapping[str, object] | None = None,
    retrieval_latency_ms: int | None = None,
) -> None:
    """Log an answer from documents: the question, a `retrieval` for each document, and the answer.

    Args:
        session: where it is logged, as in `log_chat_completion`.
        user_message: the question.
        answer: the text of the answer.
        retrieved_documents: the documents, best first: dicts of `id`, `text` or `snippet`, `score` and
            `metadata` (each of them optional), texts, pairs with a score, or LangChain's documents.
        session_id: the conversation, as in `log_chat_completion`.
        user_id: the actor of the prompt.
        assistant_id: the actor of the answer (the model if None); and the model, if `model` is None.
        model: the model; "gpt-4o-mini" if there is no `assistant_id` either.
        answer_metrics: any of `tokens` ({"prompt": 12, "completion": 30}, or as the API names them),
            `cost_usd` (computed from the tokens if absent) and `latency_ms`.
        retrieval_latency_ms: how long the search took, in milliseconds.

    Raises:
        Exception: what the session raises if it does not accept the events.
    """
    metrics = dict(answer_metrics or {})
    documents = documents_of("retriever", retrieved_documents)
    text = None if answer is None else str(answer) or None
    body = _body(model or assistant_id, None, (), user_message, {})
    request = request_from_body(PROVIDER, _CHAT, body)
    response = Response.of(
        text=text,
        messages=[new_message("assistant", [text_part(text)])] if text else [],
        model=request.model,
        documents=documents,
        tokens=token_counts(metrics.pop("tokens", None)),
        extensions={"retrieved_ids": [document.id for document in documents if document.id is not None]},
    )
    options = manual_call_options(
        session_id, _CONVERSATION, user_id, assistant_id, metrics, retrieval_latency_ms
    )
    ManualCall(recorder_of(session), PROVIDER, request, options).record(response)


def _body(
    model: str | None,
    system_prompt: str | None,
    messages: Sequence[object],
    user_message: object,
    arguments: Mapping[str, object],
) -> JsonObject:
    """Return the arguments of `create`."""
    first = [] if system_prompt is None else [{"role": "system", "content": system_prompt}]
    turns = [*first, *messages, {"role": "user", "content": user_message}]
    return {"model": model or MODEL, "messages": turns, **arguments}


def _client() -> Any:
    try:
        from openai import OpenAI
    except ImportError as error:
        raise ImportError('OpenAI\'s SDK is not installed: pip install "hilt-autolog[openai]"') from error
    return OpenAI()
