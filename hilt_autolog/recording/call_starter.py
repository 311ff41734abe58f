"""Where a call begins: arguments in, and out comes what the engine tells how the call goes on."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from hilt_autolog.internal_errors import internal_errors
from hilt_autolog.log.json_values import to_json_value

from .call import Call
from .connections import passing
from .correlation import claim_run, pending_runs
from .deferred import BackgroundFetch, BatchResults, BatchSubmission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.model import Request
    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.realtime import ConnectionProvider

    from .connections import MethodInvocation
    from .recorder import Recorder

_KINDS = {
    "call": Call,
    "fetch": BackgroundFetch,
    "submit_batch": BatchSubmission,
    "batch_results": BatchResults,
}
_DEEPEST = 2


_depth: dict[int, int] = {}  # thread -> how many of its calls are being read


class CallStarter:
    """Begins calls, for as long as there is a recorder."""

    def __init__(self) -> None:
        self.recorder: Recorder | None = None

    def begin(
        self, provider: Provider, client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Call | None:
        """Write the prompt of a call; None when the call is not one to a model, or we have failed."""
        thread = get_ident()
        depth = _depth.get(thread, 0)
        if self.recorder is None or depth >= _DEEPEST:  # reading a request may run the program's code
            return None
        _depth[thread] = depth + 1
        try:
            prompt = provider.request(client, args, kwargs)
            return None if prompt is None else _asked(self.recorder, provider, prompt)
        except Exception:
            return _asked_plainly(self.recorder, provider, (client, args, kwargs))
        finally:
            if depth:
                _depth[thread] = depth
            else:
                _depth.pop(thread, None)

    def passing(
        self,
        line: ConnectionProvider,
        role: str,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> MethodInvocation | None:
        """Take note of what passes over a connection; None when nobody is to know, or we have failed."""
        if self.recorder is None:
            return None
        try:
            return passing(self.recorder, line, role, instance, (args, kwargs))
        except Exception as fault:
            internal_errors.note(fault)
            return None


def _asked_plainly(recorder: Recorder, provider: Provider, given: tuple[Any, Any, Any]) -> Call | None:
    """Begin a call with a copy of its request, in which nothing can behave as no value should."""
    try:
        prompt = provider.request(*given, to_json_value)
        return None if prompt is None else _asked(recorder, provider, prompt)
    except Exception as fault:
        internal_errors.note(fault)
        return None


def _asked(recorder: Recorder, provider: Provider, prompt: Request) -> Call:
    call = _KINDS[prompt.operation.kind](recorder, provider, prompt)
    slots = pending_runs.get()
    run = claim_run(prompt, slots) if slots else None
    if run is not None:
        return run.served_by(call)
    call.start()
    return call
