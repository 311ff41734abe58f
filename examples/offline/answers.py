"""What a model would say: pure functions, the same answer to the same question, no provider's words.

A wire format reads its request into a `Question`, asks `reply`, and spells the `Reply` its own way.
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
ECHOED = 120  # characters of a question that an answer repeats

KNOWN: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"count to (\d+)", lambda found: " ".join(str(n + 1) for n in range(int(found[1])))),
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
    """What a request asks."""

    model: str
    text: str = ""  # the user's newest message
    results: tuple[str, ...] = ()  # what tools have returned since
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"  # auto, none, required, or the name of a tool
    parallel: bool = True  # may call several tools at once
    schema: dict[str, Any] | None = None  # the answer is JSON of this shape
    limit: int | None = None  # tokens that the answer may have


@dataclass(frozen=True)
class Call:
    """A tool that the answer asks for; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Reply:
    """An answer: text or a refusal or calls, and perhaps the thoughts before it."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    refusal: str = ""
    reasoning: str = ""
    cut: bool = False  # the limit was reached

    @property
    def tokens(self) -> int:
        """Return how many tokens the answer has, its thoughts included."""
        said = [self.text, self.refusal, self.reasoning, *(call.name + call.arguments for call in self.calls)]
        return sum(tokens(text) for text in said)


def reply(question: Question, variant: int = 0) -> Reply:
    """Return the answer to a question; a `variant` above 0 says which of several answers it is."""
    reasoning = (
        f"The question has {len(question.text)} characters. " if REASONS.search(question.model) else ""
    )
    if "refus" in question.model:
        return Reply(refusal="I would rather not answer that.", reasoning=reasoning)
    if calls := _calls(question):
        return Reply(calls=calls, reasoning=reasoning)
    text = _text(question) + (f" (answer {variant + 1})" if variant and not question.schema else "")
    short = "".join(pieces(text)[: question.limit])
    return Reply(text=short, reasoning=reasoning, cut=short != text)


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
        return f"I asked, and this is what I was told: {'; '.join(question.results)}."
    for pattern, answer in KNOWN:
        if found := re.search(pattern, question.text, re.IGNORECASE):
            return answer(found)
    return f'You said "{question.text[:ECHOED]}", and I say so too.'


def _calls(question: Question) -> tuple[Call, ...]:
    """Return the calls of the tools that fit the question, if it is still the user's turn to be answered."""
    if question.results or question.tool_choice == "none":
        return ()
    tools = [tool for tool in question.tools if tool.name == question.tool_choice]
    tools = tools or [tool for tool in question.tools if _fits(tool, question.text)]
    if not tools and question.tool_choice == "required":
        tools = list(question.tools)
    wanted = tools if question.parallel else tools[:1]
    return tuple(Call(tool.name, _arguments(tool, question.text)) for tool in wanted)


def _fits(tool: Tool, text: str) -> bool:
    """Return whether the question has a word of the tool's name: get_weather fits "How is the weather?"."""
    words = re.findall(r"[a-z]+|[A-Z][a-z]*", tool.name)
    return any(len(word) > SHORT_WORD and word.lower() in text.lower() for word in words)


def _arguments(tool: Tool, text: str) -> str:
    return json.dumps(example({"type": "object"} | tool.parameters, text), ensure_ascii=False)
