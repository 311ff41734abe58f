"""A short conversation with a model, with a tool call and a stream, and the log of it.

    hilt-run python examples/quickstart.py    needs no change of the code
    python examples/quickstart.py             `enable()` switches the log on

With OPENAI_API_KEY in the environment it calls OpenAI, without it a local server
(`offline_provider.py`).
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from offline.table import now, show_log
from offline_provider import OfflineProvider
from openai import OpenAI

import hilt_autolog

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "gpt-4o-mini"
WEATHER: Any = {
    "name": "get_weather",
    "description": "Get the weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def main() -> None:
    """Talk for three turns, then print the log of them."""
    start = now()
    hilt_autolog.enable()  # under hilt-run it is on already, and this does nothing
    messages: list[Any] = [{"role": "system", "content": "You are brief and friendly."}]
    with openai_client() as client:
        ask(client, messages, "What is a flight recorder?")
        ask(client, messages, "How is the weather in Paris?")
        ask_streaming(client, messages, "Thank you. Now count to 12, please.")
    show_log(start)


@contextmanager
def openai_client() -> Iterator[OpenAI]:
    """Yield a client of OpenAI if there is a key, else of the local server."""
    if os.environ.get("OPENAI_API_KEY"):
        yield OpenAI()
        return
    with OfflineProvider() as provider:
        yield OpenAI(api_key="offline", base_url=provider.base_url)


def ask(client: OpenAI, messages: list[Any], question: str) -> None:
    """Ask, run the tools that the model calls, and print its answer."""
    messages.append({"role": "user", "content": question})
    print(f"> {question}")
    while True:
        completion = client.chat.completions.create(
            model=MODEL, messages=messages, tools=[{"type": "function", "function": WEATHER}]
        )
        answer = completion.choices[0].message
        messages.append(answer)
        if not answer.tool_calls:
            print(answer.content)
            return
        for call in answer.tool_calls:
            result = get_weather(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def ask_streaming(client: OpenAI, messages: list[Any], question: str) -> None:
    """Ask, and print the answer as it arrives."""
    messages.append({"role": "user", "content": question})
    print(f"> {question}")
    stream = client.chat.completions.create(
        model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
    )
    for chunk in stream:
        if chunk.choices:
            print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()


def get_weather(city: str) -> str:
    """Return the weather of a city, which is always fine."""
    return f"18 degrees and sunny in {city}"


if __name__ == "__main__":
    main()
