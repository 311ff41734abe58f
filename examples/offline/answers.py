"""The model: pure functions, with the same answer to the same question, independent of any provider.

A wire format parses its request into a `Question`, calls `generate_reply`, and formats the `Reply`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offline.schema import example

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = re.compile(r"\s*(?:\w{1,8}|[^\w\s]{1,4})|\s+")
REASONS = re.compile(r"reason|think|^o\d|^gpt-5")
SHORT_WORD = 3
ECHO_LENGTH = 120  # characters of a question that an answer repeats

ANSWERS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"count to (\d+)", lambda match: " ".join(str(n + 1) for n in range(int(match[1])))),
    (r"capital of france", lambda _: "Paris is the capital of France."),
    (
        r"flight recorder",
        lambda _: "A flight recorder keeps what happened, so that people can learn from it.",
    ),
    (r"^(hello|hi)\b", lambda _: "Hello! I run on your own machine. Ask me anything: I cost nothing."),
)


@dataclass(frozen=True)
class Tool:
    """A tool that a request offers; `parameters` is a JSON schema."""

    name: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Question:
    """The parts of a request that decide about the answer."""

    model: str
    text: str = ""  # the user's last message
    results: tuple[str, ...] = ()  # tool results after it
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"  # auto, none, required, or the name of a tool
    parallel: bool = True  # whether several tools may be called at once
    schema: dict[str, Any] | None = None  # JSON schema of the answer
    limit: int | None = None  # most tokens of the answer


@dataclass(frozen=True)
class Call:
    """A tool call; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Reply:
    """An answer: text, a refusal or tool calls, perhaps with reasoning before it."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    refusal: str = ""
    reasoning: str = ""
    is_truncated: bool = False  # by the limit

    @property
    def tokens(self) -> int:
        """Return how many tokens the answer has, including its reasoning."""
        texts = [
            self.text,
            self.refusal,
            self.reasoning,
            *(call.name + call.arguments for call in self.calls),
        ]
        return sum(tokens(text) for text in texts)


def generate_reply(question: Question, variant: int = 0) -> Reply:
    """Return the answer to a question; `variant` is its index if there are several."""
    reasoning = (
        f"The question has {len(question.text)} characters. " if REASONS.search(question.model) else ""
    )
    if "refus" in question.model:
        return Reply(refusal="I would rather not answer that.", reasoning=reasoning)
    if calls := _calls(question):
        return Reply(calls=calls, reasoning=reasoning)
    text = _text(question) + (f" (answer {variant + 1})" if variant and not question.schema else "")
    short = "".join(pieces(text)[: question.limit])
    return Reply(text=short, reasoning=reasoning, is_truncated=short != text)


def pieces(text: str) -> list[str]:
    """Return a text in pieces about as long as tokens; joined, they are the text."""
    return PIECE.findall(text)


def tokens(text: str) -> int:
    """Return about how many tokens a text has."""
    return len(pieces(text))


def _text(question: Question) -> str:
    if question.schema is not None:
        return json.dumps(example(question.schema, question.text), ensure_ascii=False)
    if question.results:
        return f"I asked, and this is what the tool returned: {'; '.join(question.results)}."
    for pattern, answer in ANSWERS:
        if match := re.search(pattern, question.text, re.IGNORECASE):
            return answer(match)
    return f'You said "{question.text[:ECHO_LENGTH]}", and I say so too.'


def _calls(question: Question) -> tuple[Call, ...]:
    """Return calls of the tools that match the question, unless there are tool results already."""
    if question.results or question.tool_choice == "none":
        return ()
    tools = [tool for tool in question.tools if tool.name == question.tool_choice]
    tools = tools or [tool for tool in question.tools if _matches(tool, question.text)]
    if not tools and question.tool_choice == "required":
        tools = list(question.tools)
    called = tools if question.parallel else tools[:1]
    return tuple(Call(tool.name, _arguments(tool, question.text)) for tool in called)


def _matches(tool: Tool, text: str) -> bool:
    """Return whether a text has a word of a tool's name: get_weather matches "How is the weather?"."""
    words = re.findall(r"[a-z]+|[A-Z][a-z]*", tool.name)
    return any(len(word) > SHORT_WORD and word.lower() in text.lower() for word in words)


def _arguments(tool: Tool, text: str) -> str:
    return json.dumps(example({"type": "object"} | tool.parameters, text), ensure_ascii=False)
