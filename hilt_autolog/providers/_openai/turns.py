"""What OpenAI's two kinds of connections share: who is at the other end, and how an event is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hilt_autolog.contracts.model import Operation, Request
from hilt_autolog.contracts.realtime import SessionNotice
from hilt_autolog.contracts.sdk_objects import fields

from .chat import failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hilt_autolog.contracts.types import Message


class ConnectionInfo(NamedTuple):
    """Who speaks over a connection."""

    provider: str
    model: str | None
    server: str | None
    sdk: str

    def request(
        self,
        operation: Operation,
        messages: list[Message],
        request: Mapping[str, Any],
        model: str | None = None,
        previous: str | None = None,
    ) -> Request:
        """Return a request of the program; of its parameters, those that were given."""
        known = {name: value for name, value in request.items() if value is not None}
        return Request(
            operation,
            self.provider,
            model or self.model,
            messages,
            known,
            self.server,
            self.sdk,
            previous_response_id=previous,
        )


def fault(prompt: Request, event: Mapping[str, Any]) -> SessionNotice:
    """Return an error that belongs to no turn."""
    found = failure(fields(event.get("error")) or event)
    return SessionNotice(found.text, prompt, error_info=found)


def kind_of(event: Mapping[str, Any]) -> str:
    """Return the type of an event."""
    kind = event.get("type")
    return kind if isinstance(kind, str) else ""
