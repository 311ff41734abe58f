"""Failures on demand, to test programs against.

A request selects a fault by its model's name (`fail-429`), by a header (`x-offline-fault: cut`) or by its
metadata (`{"offline_fault": "slow"}`). `fail-500-first-2` fails twice, then the same request succeeds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from offline.wire import Request

KINDS = {
    "400": "any status from 400 on, with the error body of the wire format (429 has a retry-after header)",
    "slow": "the answer takes longer than a client's time-out",
    "drop": "the connection is closed before the answer",
    "cut": "the connection is closed in the middle of the answer",
    "stall": "a stream pauses in the middle, for as long as `slow` waits",
    "error": "a stream has an error object in the middle, and ends",
    "failed": "a response with the status `failed` (Responses API)",
    "unfinished": "a stream ends in the middle, without an error",
    "no-done": "a stream ends without its last frame ([DONE], message_stop)",
    "malformed": "the JSON breaks off in the middle",
}
NAME = re.compile(r"^(?:fail-)?(?P<kind>[45]\d\d|[a-z]+(?:-done)?)(?:-first-(?P<times>\d+))?$")


class Fault(NamedTuple):
    """A failure, and how many times it happens before requests succeed (None: always)."""

    kind: str
    times: int | None

    @property
    def status(self) -> int | None:
        """Return the HTTP status to fail with, if that is the fault."""
        return int(self.kind) if self.kind.isdigit() else None

    def retry_headers(self) -> dict[str, str]:
        """Return the retry headers: a second for 429, no delay if a retry will succeed."""
        headers = {"retry-after": "1"} if self.kind == "429" else {}
        return headers | ({"retry-after-ms": "10"} if self.times else {})


NO_FAULT = Fault("none", None)


class HangUp(Exception):  # noqa: N818  a requested failure, no error
    """Close the connection now."""


def requested_fault(request: Request) -> Fault | None:
    """Return the fault that a request selects."""
    metadata = request.body.get("metadata")
    model = str(request.body.get("model", ""))
    name = request.headers.get("x-offline-fault")
    if not name and isinstance(metadata, dict):
        name = metadata.get("offline_fault")
    if not name and model.startswith("fail-"):
        name = model
    match = NAME.match(name or "")
    if not match or not (match["kind"].isdigit() or match["kind"] in KINDS):
        return None
    return Fault(match["kind"], int(match["times"]) if match["times"] else None)


def apply_fault(
    frames: Sequence[bytes], fault: Fault, failure: bytes, wait: Callable[[], object]
) -> Iterator[bytes]:
    """Yield the frames of a stream with a fault; `failure` is the frame of an error."""
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
