"""Start the recording of a call: read the function's arguments, and return the call's observer."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from hilt_autolog.internal_errors import internal_errors
from hilt_autolog.log.json_values import to_json_value

from .call import Call
from .connections import observe_method
from .correlation import References, claim_run, pending_runs
from .deferred import BackgroundFetch, BatchResults, BatchSubmission

if TYPE_CHECKING:
    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.realtime import ConnectionProvider
    from hilt_autolog.contracts.types import JsonMapping

    from .connections import MethodInvocation
    from .recorder import Recorder

_KINDS = {
    "call": Call,
    "fetch": BackgroundFetch,
    "submit_batch": BatchSubmission,
    "batch_results": BatchResults,
}
# Reading a request may run code of the program (a property, a generator), which may itself make a call.
_MOST_NESTED = 2

_nesting: dict[int, int] = {}  # by thread id, the number of requests that the thread is reading


class CallStarter:
    """Start calls, as long as there is a recorder."""

    def __init__(self) -> None:
        self.recorder: Recorder | None = None

    def begin(
        self, provider: Provider, client: Any, args: tuple[Any, ...], kwargs: JsonMapping
    ) -> Call | None:
        """Write the prompt of a call, and return the call.

        Args:
            provider: reads the arguments.
            client: the instance whose method is called.
            args: the method's positional arguments.
            kwargs: its keyword arguments.

        Returns:
            The observer of the call; None if no model is called, or an error of ours prevents recording.
        """
        thread = get_ident()
        nesting = _nesting.get(thread, 0)
        if self.recorder is None or nesting >= _MOST_NESTED:
            return None
        _nesting[thread] = nesting + 1
        try:
            request = provider.request(client, args, kwargs)
            if request is None:
                return None
            call = _KINDS[request.operation.kind](self.recorder, provider, request)
            if references := pending_runs.get():
                call = _start_in_run(call, references)
            else:
                call.start()
        except Exception:
            return _start_from_json(self.recorder, provider, (client, args, kwargs))
        else:
            return call
        finally:
            if nesting:
                _nesting[thread] = nesting
            else:
                _nesting.pop(thread, None)

    def begin_method(
        self,
        provider: ConnectionProvider,
        role: str,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: JsonMapping,
    ) -> MethodInvocation | None:
        """Record the call of a connection's method, and return its observer.

        Args:
            provider: reads the connection.
            role: send, flush, receive or close.
            instance: the connection, or a proxy of it.
            args: the method's positional arguments.
            kwargs: its keyword arguments.

        Returns:
            The observer; None if the connection is not recorded, or an error of ours prevents recording.
        """
        if self.recorder is None:
            return None
        try:
            return observe_method(self.recorder, provider, role, instance, (args, kwargs))
        except Exception as error:
            internal_errors.note(error)
            return None


def _start_in_run(call: Call, references: References) -> Call:
    """Start a call that may serve a run of a framework; return the call that observes it."""
    run = claim_run(call.request, references)
    if run is not None:
        return run.attach_call(call)
    call.start()
    return call


def _start_from_json(recorder: Recorder, provider: Provider, arguments: tuple[Any, Any, Any]) -> Call | None:
    """Start a call after an error: with a copy of its request in which every value is plain JSON."""
    try:
        request = provider.request(*arguments, to_json_value)
        if request is None:
            return None
        call = _KINDS[request.operation.kind](recorder, provider, request)
        return _start_in_run(call, pending_runs.get())
    except Exception as error:
        internal_errors.note(error)
        return None
