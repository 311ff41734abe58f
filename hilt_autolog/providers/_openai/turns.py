"""What the readers of OpenAI's two kinds of websocket connections share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.contracts.model import Operation, Request
from hilt_autolog.contracts.realtime import SessionNotice
from hilt_autolog.contracts.sdk_objects import fields

from .chat import response_error

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonMapping, Message


class ConnectionInfo(NamedTuple):
    """The provider, model, server and SDK of a connection."""

    provider: str
    model: str | None
    server: str | None
    sdk: str

    def request(
        self,
        operation: Operation,
        messages: list[Message],
        parameters: JsonMapping,
        model: str | None = None,
        previous_response_id: str | None = None,
    ) -> Request:
        """Return a request over this connection; parameters that are None are left out."""
        return Request(
            operation,
            self.provider,
            model or self.model,
            messages,
            {name: value for name, value in parameters.items() if value is not None},
            self.server,
            self.sdk,
            previous_response_id=previous_response_id,
        )


def error_notice(request: Request, event: JsonMapping) -> SessionNotice:
    """Return the notice of an error event that belongs to no turn."""
    error_info = response_error(fields(event.get("error")) or event)
    return SessionNotice(error_info.text, request, error_info=error_info)


def event_type(event: JsonMapping) -> str:
    """Return the type of an event, or an empty str."""
    kind = event.get("type")
    return kind if isinstance(kind, str) else ""
