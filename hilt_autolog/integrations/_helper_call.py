"""What the helpers share: what a program says becomes facts."""

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
    from collections.abc import Callable, Mapping

    from hilt_autolog.contracts.model import Operation, StreamAccumulator
    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.recording.recorder import EventSink


_ONE, _OTHER = ("prompt", "prompt_tokens", "input", "input_tokens"), ("completion", "completion_tokens")
_SPELLINGS = {
    "prompt": _ONE,
    "completion": (*_OTHER, "output", "output_tokens"),
    "total": ("total", "total_tokens"),
}


def conversation_of(named: Any, default: str) -> str:
    """Return the conversation of a helper's call: what it is given, what the program says around it, or this.

    Raises:
        TypeError: the name is no text, and no number or UUID that could be one.
    """
    if named is None or named == "":
        return current_conversation.get() or default
    if isinstance(named, bytes | list | tuple | dict | set):
        raise TypeError(f"session_id is the name of a conversation, not {type(named).__name__}")
    return str(named)


def manual_call_options(  # noqa: PLR0913, PLR0917  what the helpers are given, as they are
    session_id: Any,
    default: str,
    user_id: Any,
    assistant_id: Any,
    measured: Mapping[str, Any] | None = None,
    searched_for: Any = None,
) -> ManualCallOptions:
    """Return how a helper's call is told: its conversation, its actors, what the program has measured."""
    if measured is not None:
        took = milliseconds_or_none(measured.get("latency_ms"))
        measured = {name: one for name, one in measured.items() if name != "latency_ms" and one is not None}
        measured |= {} if took is None else {"latency_ms": took}
    return ManualCallOptions(
        conversation_of(session_id, default),
        str(user_id or "user"),
        str(assistant_id) if assistant_id else None,
        measured,
        milliseconds_or_none(searched_for),
    )


def request_from_body(
    provider: Provider, operation: Operation, body: Mapping[str, Any], by: Any = None
) -> Request:
    """Return the facts of a request that is known by its body only.

    Args:
        provider: whose request it is.
        operation: what is asked for.
        body: the request.
        by: the client that asks, or what has answered: an SDK's object, or any other.
    """
    name = provider.package
    is_of_sdk = type(by).__module__.startswith(f"{name}.")
    return Request(
        operation=operation,
        provider=_PROVIDERS.get(name, name),
        model=text_or_none(body.get("model")),
        messages=operation.parse_messages(body),
        parameters={
            key: value
            for key, value in body.items()
            if key not in operation.content_keys and key not in _NOT_SAID and _is_given(value)
        },
        sdk=sdk_version(name) if is_of_sdk else None,
    )


def _is_given(value: Any) -> bool:
    return value is not None and type(value).__name__ not in ("Omit", "NotGiven")


_PROVIDERS = {"google.generativeai": "gemini", "google.genai": "gemini"}
_NOT_SAID = (
    "extra_headers",
    "extra_query",
    "extra_body",
    "timeout",
)  # how it is sent; there may be keys in it


def token_counts(given: Any) -> dict[str, int]:
    """Return counts of tokens by the names that events have for them; what is no count is left out.

    Args:
        given: by these names, or as an API spells them; or their sum.
    """
    total = count_or_none(given)
    if total is not None:
        return {"total": total}
    known = fields(given)
    counts: dict[str, int] = {}
    for name, spellings in _SPELLINGS.items():
        found = (count_or_none(known.get(spelling)) for spelling in spellings)
        count = next((one for one in found if one is not None and one >= 0), None)
        if count is not None:
            counts[name] = count
    if counts and "total" not in counts:
        counts["total"] = sum(counts.values())
    parts = {name: count_or_none(known.get(name)) for name in _PARTS}
    return counts | {name: count for name, count in parts.items() if count is not None and count > 0}


_PARTS = ("cached", "cache_creation", "reasoning", "audio_prompt", "audio_completion")


class HelperCall:
    """What a helper is about to ask of a client.

    Args:
        session: where it is logged.
        provider: reads the answer.
        operation: what is asked for.
        how: how it is told.
        streams: whether the answer is a stream, of the SDK's or of any other kind.
    """

    def __init__(
        self,
        session: EventSink,
        provider: Provider,
        operation: Operation,
        how: ManualCallOptions,
        *,
        streams: bool = False,
    ) -> None:
        self._session = session  # which its recorder does not keep alive
        self._recorder = recorder_of(session)
        self._provider, self._operation, self._how = provider, operation, how
        self._streams = streams
        self.call: ManualCall | None = None  # once it is asked; None if it is not logged

    def made(self, client: Any, body: dict[str, Any]) -> Any:
        """Ask `client.chat.completions.create`, and return what it returns.

        Raises:
            TypeError: that is no function.
        """
        create = client.chat.completions.create
        if not callable(create):
            raise TypeError(f"client.chat.completions.create is a {type(create).__name__}, no function")
        provider: Any = self._provider
        if self._streams:
            provider, create = _Streaming(provider), _iterating(create)
        role = "async call" if is_async(client) else "call"
        return CALL_WRAPPERS[role](provider, Hook(self._begin))(create, client, (), body)

    def accumulator(self) -> StreamAccumulator:
        """Return what puts the chunks of the answer together.

        Raises:
            TypeError: such an operation has no stream.
        """
        if self._operation.accumulator is None:
            raise TypeError(f"{self._operation.name} has no stream")
        return self._operation.accumulator()

    def _begin(self, provider: Provider, client: Any, _args: Any, body: dict[str, Any]) -> ManualCall | None:
        try:
            call = ManualCall(self._recorder, provider, self._prompt(client, body), self._how)
            call.start()
        except Exception as error:
            problem = f"a call is not logged: {type(error).__name__}: {error}"
            warnings.warn(problem, RuntimeWarning, stacklevel=5)
            return None
        call.offer()
        self.call = call
        return call

    def _prompt(self, client: Any, body: dict[str, Any]) -> Request:
        """Return the facts of the request, with whom it reaches if the client says so."""
        prompt = request_from_body(self._provider, self._operation, body, client)
        url = getattr(client, "_base_url", None) or getattr(client, "base_url", None)
        if isinstance(getattr(url, "host", None), str):
            options = SimpleNamespace(method="post", url="/chat/completions", json_data=body)
            reached = self._provider.request(client, (None, options), {})
            if reached is not None:
                prompt.provider, prompt.server = reached.provider, reached.server
        return prompt


def is_async(client: Any) -> bool:
    """Return whether what a client returns is to be awaited."""
    create = client.chat.completions.create
    named = any(kind.__name__.startswith("Async") for kind in type(client).__mro__)
    return named or inspect.iscoroutinefunction(create) or inspect.iscoroutinefunction(type(create).__call__)


def _iterating(create: Callable[..., Any]) -> Callable[..., Any]:
    """Return `create` so that a list of chunks is as good as a stream."""

    def made(**body: Any) -> Any:
        chunks = create(**body)
        return iter(chunks) if isinstance(chunks, list | tuple) else chunks

    return made


class _Streaming:
    """A provider of whose calls all return streams, also those of a client that somebody made up."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def stream_info(self, _result: Any) -> StreamInfo:
        """Say of anything that it is a stream."""
        return StreamInfo()
