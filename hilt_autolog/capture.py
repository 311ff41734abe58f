"""Where a call begins: arguments in, and out comes what the engine tells how the call goes on."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from .batches import Results, Submission
from .call import Call
from .collection import Collection
from .guard import faults
from .io.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .facts import Prompt
    from .provider import Provider
    from .recorder import Recorder

_KINDS = {"call": Call, "collects": Collection, "submits": Submission, "results": Results}
_DEEPEST = 2


_depth: dict[int, int] = {}  # thread -> how many of its calls are being read


def begin(
    recorder: Recorder, provider: Provider, client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Call | None:
    """Write the prompt of a call; None when the call is not one to a model, or we have failed."""
    thread = get_ident()
    depth = _depth.get(thread, 0)
    if depth >= _DEEPEST:  # reading a request may run the program's code, and that a call
        return None
    try:
        _depth[thread] = depth + 1
        try:
            return _asked(recorder, provider, provider.prompt(client, args, kwargs))
        except Exception:  # what stands in it behaves as no value should: once more, with a copy that cannot
            return _asked(recorder, provider, provider.prompt(client, args, kwargs, plain))
    except Exception as fault:
        faults.note(fault)
        return None
    finally:
        if depth:
            _depth[thread] = depth
        else:
            _depth.pop(thread, None)


def _asked(recorder: Recorder, provider: Provider, prompt: Prompt | None) -> Call | None:
    if prompt is None:
        return None
    call = _KINDS[prompt.operation.kind](recorder, provider, prompt)
    call.ask()
    return call
