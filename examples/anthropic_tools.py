"""A conversation with Claude, with streams, a tool call and thinking, and the log of it.

    hilt-run python examples/anthropic_tools.py    needs no change of the code
    python examples/anthropic_tools.py             `enable()` switches the log on

With ANTHROPIC_API_KEY in the environment it calls Anthropic, without it a local server
(`offline_provider.py`).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from anthropic import Anthropic
from offline.table import now, show_log
from offline_provider import OfflineProvider

import hilt_autolog

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "claude-haiku-4-5"
WEATHER: Any = {
    "name": "get_weather",
    "description": "Get the weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def main() -> None:
    """Talk for three turns, then print the log of them."""
    start = now()
    hilt_autolog.enable()  # under hilt-run it is on already, and this does nothing
    messages: list[Any] = []
    with anthropic_client() as client:
        ask_streaming(client, messages, "What is a flight recorder?")
        ask(client, messages, "How is the weather in Paris?")
        ask_streaming(client, messages, "Thank you. Now count to 12, please.", is_thinking=True)
    show_log(start)


@contextmanager
def anthropic_client() -> Iterator[Anthropic]:
    """Yield a client of Anthropic if there is a key, else of the local server."""
    if os.environ.get("ANTHROPIC_API_KEY"):
        yield Anthropic()
        return
    with OfflineProvider() as provider:
        yield Anthropic(api_key="offline", base_url=provider.url)


def ask(client: Anthropic, messages: list[Any], question: str) -> None:
    """Ask, run the tools that the model calls, and print its answer."""
    messages.append({"role": "user", "content": question})
    print(f"> {question}")
    while True:
        answer = client.messages.create(model=MODEL, max_tokens=1000, messages=messages, tools=[WEATHER])
        messages.append({"role": "assistant", "content": answer.content})
        if answer.stop_reason != "tool_use":
            print("".join(block.text for block in answer.content if block.type == "text"))
            return
        messages.append({"role": "user", "content": list(results(answer.content))})


def results(blocks: list[Any]) -> Iterator[dict[str, Any]]:
    """Run the tools that an answer calls, and yield their results."""
    for block in blocks:
        if block.type == "tool_use":
            yield {"type": "tool_result", "tool_use_id": block.id, "content": get_weather(**block.input)}


def ask_streaming(
    client: Anthropic, messages: list[Any], question: str, *, is_thinking: bool = False
) -> None:
    """Ask, and print the answer as it arrives."""
    messages.append({"role": "user", "content": question})
    print(f"> {question}")
    thinking: Any = {"type": "enabled", "budget_tokens": 1024} if is_thinking else {"type": "disabled"}
    with client.messages.stream(model=MODEL, max_tokens=2000, messages=messages, thinking=thinking) as stream:
        for text in stream.text_stream:
            print(text, end="", flush=True)
        print()
        messages.append({"role": "assistant", "content": stream.get_final_message().content})


def get_weather(city: str) -> str:
    """Return the weather of a city, which is always fine."""
    return f"18 degrees and sunny in {city}"


if __name__ == "__main__":
    main()
