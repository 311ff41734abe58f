"""A call that a helper makes: the engine watches it as it watches the calls of an SDK that is recorded."""

from __future__ import annotations

import inspect
import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hilt_autolog.engine.call_watchers import CALL_WATCHERS
from hilt_autolog.engine.gate import Gate
from hilt_autolog.provider import Stream
from hilt_autolog.recording.explicit import Explicit
from hilt_autolog.recording.sessions import recorder_of

from ._telling import asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.facts import Fold, Operation, Prompt
    from hilt_autolog.provider import Provider
    from hilt_autolog.recording.explicit import Telling
    from hilt_autolog.recording.sessions import Appends


class Asking:
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
        session: Appends,
        provider: Provider,
        operation: Operation,
        how: Telling,
        *,
        streams: bool = False,
    ) -> None:
        self._session = session  # which its recorder does not keep alive
        self._recorder = recorder_of(session)
        self._provider, self._operation, self._how = provider, operation, how
        self._streams = streams
        self.call: Explicit | None = None  # once it is asked; None if it is not logged

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
        return CALL_WATCHERS[role](provider, Gate(self._begin))(create, client, (), body)

    def fold(self) -> Fold:
        """Return what puts the chunks of the answer together.

        Raises:
            TypeError: such an operation has no stream.
        """
        if self._operation.fold is None:
            raise TypeError(f"{self._operation.name} has no stream")
        return self._operation.fold()

    def _begin(self, provider: Provider, client: Any, _args: Any, body: dict[str, Any]) -> Explicit | None:
        try:
            call = Explicit(self._recorder, provider, self._prompt(client, body), self._how)
            call.ask()
        except Exception as error:
            problem = f"a call is not logged: {type(error).__name__}: {error}"
            warnings.warn(problem, RuntimeWarning, stacklevel=5)
            return None
        call.offer()
        self.call = call
        return call

    def _prompt(self, client: Any, body: dict[str, Any]) -> Prompt:
        """Return the facts of the request, with whom it reaches if the client says so."""
        prompt = asked(self._provider, self._operation, body, client)
        url = getattr(client, "_base_url", None) or getattr(client, "base_url", None)
        if isinstance(getattr(url, "host", None), str):
            options = SimpleNamespace(method="post", url="/chat/completions", json_data=body)
            reached = self._provider.prompt(client, (None, options), {})
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

    def stream(self, _result: Any) -> Stream:
        """Say of anything that it is a stream."""
        return Stream()
