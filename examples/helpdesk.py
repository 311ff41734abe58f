"""A help desk: two conversations of two questions each, for two users. The last call fails.

    hilt-run python examples/helpdesk.py

The recipes of the README are commands about its log. With OPENAI_API_KEY in the environment it calls OpenAI,
without it a local server (`offline_provider.py`).
"""

from __future__ import annotations

from typing import Any

from openai import APIStatusError, OpenAI
from quickstart import openai_client

from hilt_autolog import conversation, tags, user


def main() -> None:
    """Answer two tickets, each with a name, a user and a tag in the log."""
    with openai_client() as client:
        with conversation("ticket-42"), user("ana"), tags("orders"):
            messages = ask(client, [], "How do I return a parcel?")
            ask(client, messages, "And without the receipt?", model="gpt-4o")
        with conversation("ticket-43"), user("bo"), tags("sales"):
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
