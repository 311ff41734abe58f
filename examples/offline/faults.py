"""What goes wrong on demand, so that programs can be tried against it.

A request asks for a fault by its model's name (`fail-429`), by a header (`x-offline-fault: cut`) or by its
metadata (`{"offline_fault": "slow"}`). `fail-500-first-2` fails twice, then the same request succeeds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from offline.wire import Request

KINDS = {
    "400": "any status from 400 on, with the error body of the wire format (429 says when to retry)",
    "slow": "the answer comes late: a time-out",
    "drop": "the connection is closed before the answer",
    "cut": "the connection is closed in the middle of the answer",
    "stall": "a stream comes to a halt in the middle, for as long as `slow` waits",
    "error": "a stream gives an error object in the middle, and ends",
    "failed": "an answer that says it failed (Responses)",
    "unfinished": "a stream ends in the middle, politely",
    "no-done": "a stream ends without its last frame ([DONE], message_stop)",
    "malformed": "the JSON breaks off in the middle",
}
NAMED = re.compile(r"^(?:fail-)?(?P<kind>[45]\d\d|[a-z]+(?:-done)?)(?:-first-(?P<times>\d+))?$")


class Fault(NamedTuple):
    """What is to go wrong, and how often before all is well (None: always)."""

    kind: str
    times: int | None

    @property
    def status(self) -> int | None:
        """Return the HTTP status to fail with, if that is the fault."""
        return int(self.kind) if self.kind.isdigit() else None

    def retry_headers(self) -> dict[str, str]:
        """Return when to try again: in a second if there are too many requests, at once if it will help."""
        after = {"retry-after": "1"} if self.kind == "429" else {}
        return after | ({"retry-after-ms": "10"} if self.times else {})


NO_FAULT = Fault("none", None)


class HangUp(Exception):  # noqa: N818  not an error here, but what was asked for
    """Close the connection now."""


def asked(request: Request) -> Fault | None:
    """Return the fault that a request asks for."""
    metadata = request.body.get("metadata")
    model = str(request.body.get("model", ""))
    name = request.headers.get("x-offline-fault")
    if not name and isinstance(metadata, dict):
        name = metadata.get("offline_fault")
    if not name and model.startswith("fail-"):
        name = model
    found = NAMED.match(name or "")
    if not found or not (found["kind"].isdigit() or found["kind"] in KINDS):
        return None
    return Fault(found["kind"], int(found["times"]) if found["times"] else None)


def spoiled(
    frames: Sequence[bytes], fault: Fault, failure: bytes, wait: Callable[[], object]
) -> Iterator[bytes]:
    """Yield the frames of a stream as the fault leaves them; `failure` is an error as a frame."""
    half = len(frames) // 2
    match fault.kind:
        case "no-done":
            yield from frames[:-1]
        case "unfinished":
            yield from frames[:half]
        case "cut":
            yield from frames[:half]
            raise HangUp
        case "error":
            yield from frames[:half]
            yield failure
        case "malformed":
            yield from frames[:half]
            yield frames[half][: len(frames[half]) // 2] + b"\n\n"
        case "stall":
            yield from frames[:half]
            wait()
            yield from frames[half:]
        case _:
            yield from frames
