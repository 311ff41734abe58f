"""A short chat with Gemini, whose SDK calls a function of ours, and the log of it.

    hilt-run python examples/gemini_chat.py    needs no change of the code
    python examples/gemini_chat.py             `enable()` switches the log on

With GEMINI_API_KEY or GOOGLE_API_KEY in the environment it calls Google, without them a local server
(`offline_provider.py`).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from google import genai
from google.genai import types
from offline.table import now, show_log
from offline_provider import OfflineProvider

import hilt_autolog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.genai.chats import Chat

MODEL = "gemini-2.5-flash"


def main() -> None:
    """Chat for three turns, then print the log of them."""
    start = now()
    hilt_autolog.enable()  # under hilt-run it is on already, and this does nothing
    config = types.GenerateContentConfig(system_instruction="You are brief and friendly.", tools=[weather])
    with gemini_client() as client:
        chat = client.chats.create(model=MODEL, config=config)
        ask(chat, "What is a flight recorder?")
        ask(chat, "How is the weather in Paris?")
        ask(chat, "Thank you. Now count to 12, please.")
    show_log(start)


@contextmanager
def gemini_client() -> Iterator[genai.Client]:
    """Yield a client of Google if there is a key, else of the local server."""
    if os.environ.get("GEMINI_API_KEY") or os.environ.get("GOOGLE_API_KEY"):
        yield genai.Client()
        return
    with OfflineProvider() as provider:
        yield genai.Client(api_key="offline", http_options=types.HttpOptions(base_url=provider.url))


def ask(chat: Chat, question: str) -> None:
    """Ask, and print the answer as it arrives; the SDK calls `weather` when the model does."""
    print(f"> {question}")
    for chunk in chat.send_message_stream(question):
        for part in chunk.parts or ():
            print(part.text or "", end="", flush=True)
    print()


def weather(city: str) -> str:
    """Get the weather of a city."""
    return f"18 degrees and sunny in {city}"


if __name__ == "__main__":
    main()
