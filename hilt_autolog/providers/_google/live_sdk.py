"""google-genai's Live sessions: the methods of a session, and what passes through them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.contracts.provider import Coverage, PatchTarget
from hilt_autolog.contracts.sdk_objects import fields

from .live import LiveReader
from .sdk import Sdk, host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.realtime import ConnectionReader

_LIVE = "google.genai.live"
_SENDS = ("send_client_content", "send_realtime_input", "send_tool_response")


class Live:
    """The sessions of `client.aio.live.connect`."""

    package = "google.genai"
    targets = (
        PatchTarget(
            _LIVE, "AsyncSession", "__init__", "send"
        ),  # it begins with the setup that was sent for it
        *(PatchTarget(_LIVE, "AsyncSession", name, "async send") for name in _SENDS),
        PatchTarget(_LIVE, "AsyncSession", "_receive", "async receive"),
        PatchTarget(_LIVE, "AsyncSession", "close", "async close"),
    )

    coverage = (Coverage("live", targets, streams=True),)

    def __init__(self, reader: Sdk) -> None:
        self.provider: Provider = reader  # type: ignore[assignment]  # it is asked for exceptions only

    def connection(self, instance: Any) -> Any:
        """Return the session."""
        return instance

    def connection_reader(self, connection: Any) -> ConnectionReader:
        """Return what reads a session; one that is being made has no client yet, but its maker has."""
        client = fields(connection).get("_api_client") or fields(_maker().get("self")).get("_api_client")
        server = host(str(fields(getattr(client, "_http_options", None)).get("base_url") or ""))
        return LiveReader("vertex" if getattr(client, "vertexai", None) else "gemini", server)

    def outgoing_items(
        self,
        _instance: Any,
        _args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        _clean: Callable[[Any], Any],
    ) -> list[dict[str, Any]]:
        """Return what a method is given; of a session that is being made, what it was set up with."""
        if "websocket" not in kwargs:
            return [dict(kwargs)]
        try:
            return [{"setup": fields(orjson.loads(_maker().get("request") or "{}")).get("setup")}]
        except ValueError:
            return []

    def incoming_item(self, result: Any) -> Any:
        """Return a message of the server's."""
        return result

    def close_reason(self, error: BaseException) -> str | None:
        """Return how an exception has ended the session: the SDK makes errors of the codes of closing."""
        code = fields(error).get("code")
        if not isinstance(code, int) or not hasattr(error, "details"):
            return None
        return "closed" if code == 1000 else "error"  # noqa: PLR2004  the code of a normal closure


def _maker() -> dict[str, Any]:
    """Return the variables of the function that opens a session: the session itself is told little of it."""
    frame: Any = sys._getframe(1)  # noqa: SLF001  who calls us is a fact about the call
    while frame is not None:
        if frame.f_globals.get("__name__") == _LIVE and frame.f_code.co_name == "connect":
            return dict(frame.f_locals)
        frame = frame.f_back
    return {}
