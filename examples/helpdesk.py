"""A help desk: two conversations of two questions, the last of which fails.

    hilt-run python examples/helpdesk.py

The recipes of the README are commands about its log. With OPENAI_API_KEY in the environment it asks OpenAI,
without it the offline provider next to it.
"""

from __future__ import annotations

from typing import Any

from openai import APIStatusError, OpenAI
from quickstart import openai_client

import hilt_autolog


def main() -> None:
    """Answer the tickets, and name each for the log."""
    with openai_client() as client:
        with hilt_autolog.conversation("ticket-42"), hilt_autolog.tags("support"):
            messages = ask(client, [], "How do I return a parcel?")
            ask(client, messages, "And without the receipt?", model="gpt-4o")
        with hilt_autolog.conversation("ticket-43"), hilt_autolog.tags("sales"):
            messages = ask(client, [], "What does the blue printer cost?")
            ask(client, messages, "And the green one?", model="fail-429")  # no such model: an error


def ask(client: OpenAI, messages: list[Any], question: str, model: str = "gpt-4o-mini") -> list[Any]:
    """Ask a question, print the answer or the error, and return the messages so far."""
    messages = [*messages, {"role": "user", "content": question}]
    try:
        answer = client.with_options(max_retries=0).chat.completions.create(model=model, messages=messages)
    except APIStatusError as error:
        print(f"! {error.message}")
        return messages
    print(answer.choices[0].message.content)
    return [*messages, answer.choices[0].message]


if __name__ == "__main__":
    main()
