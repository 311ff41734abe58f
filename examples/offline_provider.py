"""A local server that imitates the APIs of OpenAI, Anthropic and Gemini: no key, no network, no model.

The examples and tests use it in place of the real APIs, and so can any program that lets you set the base URL
of its client. It speaks HTTP on 127.0.0.1, and the official SDKs work with it unchanged, streams, tool calls
and errors included. Answers are made by a few rules, and the same request always gets the same answer.

    with OfflineProvider() as provider:
        client = OpenAI(api_key="offline", base_url=provider.base_url)
        client = Anthropic(api_key="offline", base_url=provider.url)
        client = genai.Client(api_key="offline", http_options={"base_url": provider.url})

For programs in any language, run it as a process:

    python examples/offline_provider.py --port 8099
    export OPENAI_BASE_URL=http://127.0.0.1:8099/v1 OPENAI_API_KEY=offline
    export ANTHROPIC_BASE_URL=http://127.0.0.1:8099 ANTHROPIC_API_KEY=offline
    export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8099 GEMINI_API_KEY=offline

The rules: it calls a tool if the question has a word of the tool's name, fills JSON schemas with the words
of the question, counts on request ("count to 500"), reasons if the request or the model's name says so
(`o4-mini`, `my-reasoner`), refuses as the model `refusing-model`, and fails on demand: see `--faults`.
"""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING, Self

from offline import (
    anthropic_envelope,
    anthropic_messages,
    faults,
    gemini,
    gemini_envelope,
    openai_chat,
    openai_envelope,
    openai_media,
    openai_responses,
)
from offline.server import Server
from offline.wire import Request, Wire

if TYPE_CHECKING:
    from collections import deque

OPENAI = Wire(
    routes=(*openai_chat.ROUTES, *openai_responses.ROUTES, *openai_media.ROUTES),
    headers=openai_envelope.headers,
    error=openai_envelope.error,
)
ANTHROPIC = Wire(
    routes=anthropic_messages.ROUTES,
    headers=anthropic_envelope.headers,
    error=anthropic_envelope.error,
)
GEMINI = Wire(routes=gemini.ROUTES, headers=gemini_envelope.headers, error=gemini_envelope.error)
WIRES = [OPENAI, ANTHROPIC, GEMINI]


class OfflineProvider:
    """The server, which runs in threads of its own inside the `with` block.

    Args:
        port: the port to listen on; 0 for any free one.
        pause: seconds between two pieces of a stream.
        slow: seconds that a response with the fault `slow` takes.
    """

    def __init__(self, port: int = 0, *, pause: float = 0.02, slow: float = 30.0) -> None:
        self._server = Server(WIRES, port, pause, slow)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def base_url(self) -> str:
        """The base URL for OpenAI's clients."""
        return f"{self.url}/v1"

    @property
    def requests(self) -> deque[Request]:
        """The last thousand requests, oldest first."""
        return self._server.requests

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def main() -> None:
    """Run the server until it is interrupted."""
    parser = argparse.ArgumentParser(description="A local server that imitates OpenAI, Anthropic and Gemini.")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between two pieces of a stream")
    parser.add_argument("--faults", action="store_true", help="list the failures on demand, and exit")
    args = parser.parse_args()
    if args.faults:
        print(faults.__doc__)
        print("\n".join(f"  {kind:<12}{meaning}" for kind, meaning in faults.KINDS.items()))
        return
    with OfflineProvider(args.port, pause=args.pause) as provider:
        print(f"OpenAI: {provider.base_url}  Anthropic, Gemini: {provider.url}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("stopped")


if __name__ == "__main__":
    main()
