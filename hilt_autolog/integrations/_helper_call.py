"""What the helpers share: their arguments as a `Request`, and the call of a client that they make."""

from __future__ import annotations

import inspect
import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.model import Request
from hilt_autolog.contracts.provider import StreamInfo
from hilt_autolog.contracts.sdk_objects import (
    count_or_none,
    fields,
    milliseconds_or_none,
    sdk_version,
    text_or_none,
)
from hilt_autolog.instrumentation.call_wrappers import CALL_WRAPPERS
from hilt_autolog.instrumentation.hook import Hook
from hilt_autolog.recording.context import current_conversation
from hilt_autolog.recording.manual_call import ManualCall, ManualCallOptions
from hilt_autolog.recording.recorder import recorder_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.model import Operation, StreamAccumulator
    from hilt_autolog.contracts.provider import Provider, Role
    from hilt_autolog.contracts.types import JsonMapping, JsonObject
    from hilt_autolog.recording.recorder import EventSink

_PROVIDERS = {"google.generativeai": "gemini", "google.genai": "gemini"}  # by package; others are named alike
_TRANSPORT_OPTIONS = ("extra_headers", "extra_query", "extra_body", "timeout")  # may contain secrets
_TOKEN_KEYS = {
    "prompt": ("prompt", "prompt_tokens", "input", "input_tokens"),
    "completion": ("completion", "completion_tokens", "output", "output_tokens"),
    "total": ("total", "total_tokens"),
}
_TOKEN_DETAILS = ("cached", "cache_creation", "reasoning", "audio_prompt", "audio_completion")


def conversation_name(session_id: object, default: str) -> str:
    """Return the conversation of a helper's call.

    Args:
        session_id: the helper's argument; if it is None or empty, the conversation that the program has set
            around the call.
        default: the name if there is neither.

    Raises:
        TypeError: `session_id` is no text, and no number or UUID that could be a name.
    """
    if session_id is None or session_id == "":
        return current_conversation.get() or default
    if isinstance(session_id, bytes | list | tuple | dict | set):
        raise TypeError(f"session_id is the name of a conversation, not {type(session_id).__name__}")
    return str(session_id)


def manual_call_options(  # noqa: PLR0913, PLR0917  the helpers' arguments as they are
    session_id: object,
    default_conversation: str,
    user_id: object,
    assistant_id: object,
    metrics: JsonMapping | None = None,
    retrieval_latency_ms: object = None,
) -> ManualCallOptions:
    """Return the options of a helper's call: its conversation, its actors, the metrics of the program.

    Args:
        session_id: the conversation, see `conversation_name`.
        default_conversation: its name if there is none.
        user_id: the actor of the prompt; "user" if None.
        assistant_id: the actor of the answer; its model if None.
        metrics: metrics of the answer by name; None: measure them.
        retrieval_latency_ms: how long the search took, in milliseconds.
    """
    if metrics is not None:
        latency_ms = milliseconds_or_none(metrics.get("latency_ms"))
        metrics = {
            name: value for name, value in metrics.items() if name != "latency_ms" and value is not None
        }
        metrics |= {} if latency_ms is None else {"latency_ms": latency_ms}
    return ManualCallOptions(
        conversation_name(session_id, default_conversation),
        str(user_id or "user"),
        str(assistant_id) if assistant_id else None,
        metrics,
        milliseconds_or_none(retrieval_latency_ms),
    )


def request_from_body(
    provider: Provider, operation: Operation, body: JsonMapping, sdk_object: object = None
) -> Request:
    """Return the request of which only the body is known.

    Args:
        provider: the provider of the request.
        operation: its operation.
        body: its body, in the provider's format.
        sdk_object: the client that sends it or the response to it: an SDK's object, or any other.
    """
    package = provider.package
    is_of_sdk = type(sdk_object).__module__.startswith(f"{package}.")
    return Request(
        operation=operation,
        provider=_PROVIDERS.get(package, package),
        model=text_or_none(body.get("model")),
        messages=operation.parse_messages(body),
        parameters={
            key: value
            for key, value in body.items()
            if key not in operation.content_keys and key not in _TRANSPORT_OPTIONS and _has_value(value)
        },
        sdk=sdk_version(package) if is_of_sdk else None,
    )


def _has_value(argument: object) -> bool:
    # openai 3.57 _types.py: `NotGiven` and `Omit` are the types of arguments that are not set
    return argument is not None and type(argument).__name__ not in ("Omit", "NotGiven")


def token_counts(tokens: object) -> dict[str, int]:
    """Return counts of tokens by the names that events have for them; omit what is no count.

    Args:
        tokens: a dict or an object with counts by these names, or as an API names them; or their sum.
    """
    total = count_or_none(tokens)
    if total is not None:
        return {"total": total}
    usage = fields(tokens)
    counts: dict[str, int] = {}
    for name, keys in _TOKEN_KEYS.items():
        values = (count_or_none(usage.get(key)) for key in keys)
        count = next((value for value in values if value is not None and value >= 0), None)
        if count is not None:
            counts[name] = count
    if counts and "total" not in counts:
        counts["total"] = sum(counts.values())
    details = {name: count_or_none(usage.get(name)) for name in _TOKEN_DETAILS}
    return counts | {name: count for name, count in details.items() if count is not None and count > 0}


class HelperCall:
    """A call that a helper is about to make of a client.

    Args:
        session: where it is logged.
        provider: reads the response.
        operation: the operation of the request.
        options: its conversation and actors.
        streams: whether the result is a stream, of the SDK's or of any other kind.

    Attributes:
        call: The recorded call, once it has begun; None if it could not be logged.
    """

    def __init__(
        self,
        session: EventSink,
        provider: Provider,
        operation: Operation,
        options: ManualCallOptions,
        *,
        streams: bool = False,
    ) -> None:
        self._session = session  # its recorder does not keep it alive
        self._recorder = recorder_of(session)
        self._provider, self._operation, self._options = provider, operation, options
        self._streams = streams
        self.call: ManualCall | None = None

    def execute(self, client: Any, body: JsonObject) -> Any:
        """Call `client.chat.completions.create`, and return its result.

        Raises:
            TypeError: that is no function.
        """
        create = client.chat.completions.create
        if not callable(create):
            raise TypeError(f"client.chat.completions.create is a {type(create).__name__}, no function")
        provider: Any = self._provider
        if self._streams:
            provider, create = _StreamingProvider(provider), _iterate_lists(create)
        role: Role = "async call" if is_async(client) else "call"
        return CALL_WRAPPERS[role](provider, Hook(self._begin))(create, client, (), body)

    def accumulator(self) -> StreamAccumulator:
        """Return a new accumulator of the operation's stream.

        Raises:
            TypeError: such an operation has no stream.
        """
        if self._operation.accumulator is None:
            raise TypeError(f"{self._operation.name} has no stream")
        return self._operation.accumulator()

    def _begin(
        self, provider: Provider, client: object, _args: object, body: JsonObject
    ) -> ManualCall | None:
        try:
            call = ManualCall(self._recorder, provider, self._request(client, body), self._options)
            call.start()
        except Exception as error:
            problem = f"a call is not logged: {type(error).__name__}: {error}"
            warnings.warn(problem, RuntimeWarning, stacklevel=5)
            return None
        call.offer()
        self.call = call
        return call

    def _request(self, client: object, body: JsonObject) -> Request:
        """Return the request, with the provider and server of the client's base URL, if it has one."""
        request = request_from_body(self._provider, self._operation, body, client)
        url = getattr(client, "_base_url", None) or getattr(client, "base_url", None)
        if isinstance(getattr(url, "host", None), str):
            options = SimpleNamespace(method="post", url="/chat/completions", json_data=body)
            sdk_request = self._provider.request(client, (None, options), {})
            if sdk_request is not None:
                request.provider, request.server = sdk_request.provider, sdk_request.server
        return request


def is_async(client: Any) -> bool:
    """Return whether a client's calls are to be awaited."""
    create = client.chat.completions.create
    has_async_name = any(base.__name__.startswith("Async") for base in type(client).__mro__)
    return (
        has_async_name
        or inspect.iscoroutinefunction(create)
        or inspect.iscoroutinefunction(type(create).__call__)
    )


def _iterate_lists(create: Callable[..., Any]) -> Callable[..., Any]:
    """Return `create` with a list or tuple of chunks turned into an iterator, as streams are."""

    def create_stream(**body: object) -> Any:
        chunks = create(**body)
        return iter(chunks) if isinstance(chunks, list | tuple) else chunks

    return create_stream


class _StreamingProvider:
    """A provider that takes any result for a stream, as a test's or a program's own client may return any."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def stream_info(self, _result: object) -> StreamInfo:
        """Return that the result is itself the iterator."""
        return StreamInfo()
