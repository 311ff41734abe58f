"""A log of mixed, realistic events of any size: prompts, streams, answers, tools, errors, torn lines."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODELS = (  # provider, model, dollars for a million tokens in and out
    ("openai", "gpt-4o-mini-2024-07-18", 0.15, 0.6),
    ("openai", "gpt-5.2-2025-12-11", 1.75, 14.0),
    ("anthropic", "claude-sonnet-4-5-20250929", 3.0, 15.0),
    ("google", "gemini-2.5-flash", 0.3, 2.5),
    ("ollama", "llama3.2:3b", None, None),
)
BEGINNING = datetime(2026, 9, 1, tzinfo=UTC)
SYLLABLES = ("ka", "lo", "mi", "ter", "on", "sa", "ve", "ri", "no", "du", "pe", "al", "ing", "est", "um", "é")
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Tells the {name} of a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
    for name in ("weather", "population")
]
ERRORS = (("RateLimitError", "rate_limit", {"status_code": 429}), ("APITimeoutError", "timeout", {}))

Event = dict[str, Any]


class Truth(NamedTuple):
    """What was written."""

    bytes: int
    events: int
    calls: int
    failures: int
    torn: int


def write(path: Path, size: int, *, torn: int = 20, seed: int = 7) -> Truth:
    """Write a log of about `size` bytes; `torn` lines more end early, as a killed process leaves them."""
    rng = random.Random(seed)
    program = Program(rng)
    tears = sorted(rng.randrange(size) for _ in range(torn))
    written = events = calls = failures = 0
    with path.open("wb") as file:
        while written < size:
            for event in program.turn():
                line = orjson.dumps(event) + b"\n"
                if tears and written >= tears[0]:
                    del tears[0]
                    written += file.write(line[: len(line) // 2] + b"\n")
                failed = "error_type" in event["extensions"]
                events, failures = events + 1, failures + failed
                calls += failed or event["action"] == "completion"
                written += file.write(line)
    return Truth(written, events, calls, failures, torn - len(tears))


class Program:
    """Talks with models in forty conversations at a time, now and then in a new one."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        words = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(5000)]
        self.prose = " ".join(rng.choices(words, k=200_000))
        self.now, self.count = BEGINNING, 0
        self.sessions = [self.session() for _ in range(40)]

    def turn(self) -> Iterator[Event]:
        """Yield the events of one call: its prompt, perhaps a stream, its end, perhaps a tool's."""
        rng = self.rng
        if rng.random() < 0.1:
            self.sessions[rng.randrange(40)] = self.session()
        session, (provider, model, price_in, price_out) = rng.choice(self.sessions), rng.choice(MODELS)
        self.now += timedelta(seconds=rng.expovariate(0.2))
        origin = {
            "provider": provider,
            "operation": "chat.completions",
            "model": model,
            "sdk": "openai 3.57.0",
        }
        prompt = self.prompt(session, model, origin)
        yield prompt
        latency = round(rng.lognormvariate(7, 0.6))
        self.now += timedelta(milliseconds=latency)
        if rng.random() < 0.03:
            yield self.failure(session, provider, origin, prompt, latency)
            return
        answer = self.prose_of(rng.randint(200, 3000))
        streams = rng.random() < 0.25
        if streams:
            yield from self.stream(session, model, prompt, answer[:300])
        tokens = {"prompt": rng.randint(20, 9000), "completion": len(answer) // 4}
        if rng.random() < 0.4:
            tokens["cached"] = tokens["prompt"] // 2
        metrics: Event = {"latency_ms": latency, "tokens": tokens}
        if streams:
            metrics["ttft_ms"] = latency // 4
        if price_in is not None:
            cost = (tokens["prompt"] * price_in + tokens["completion"] * price_out) / 1e6
            metrics["cost_usd"] = round(cost, 8)
        completion = self.event(
            session,
            ("agent", model),
            "completion",
            {"text": answer},
            metrics=metrics,
            provenance={**origin, "response_id": f"chatcmpl-{self.identity()}"},
            extensions={
                "reply_to": prompt["event_id"],
                "model": model,
                "finish_reason": "stop",
                "usage": {"prompt_tokens": tokens["prompt"], "completion_tokens": tokens["completion"]},
                "status_code": 200,
            },
        )
        yield completion
        if rng.random() < 0.2:
            yield from self.tool(session, model, completion)

    def prompt(self, session: str, model: str, origin: Event) -> Event:
        text = self.prose_of(self.rng.randint(30, 1500))
        document = self.prose_of(self.rng.randint(200, 4000))
        parts = [[{"type": "text", "content": said}] for said in (document, text)]
        return self.event(
            session,
            ("human", "user"),
            "prompt",
            {
                "text": text,
                "messages": [{"role": r, "parts": p} for r, p in zip(("system", "user"), parts, strict=True)],
            },
            provenance=origin,
            extensions={"model": model, "request": {"temperature": 0.2, "tools": TOOLS}},
        )

    def stream(self, session: str, model: str, prompt: Event, text: str) -> Iterator[Event]:
        for index, word in enumerate(text.split(" ")):
            extensions = {"reply_to": prompt["event_id"], "index": index, "kind": "text"}
            yield self.event(
                session,
                ("agent", model),
                "completion_chunk",
                {"text": f"{word} "},
                extensions=extensions,
            )

    def failure(self, session: str, provider: str, origin: Event, prompt: Event, latency: int) -> Event:
        kind, code, more = self.rng.choice(ERRORS)
        extensions = {"reply_to": prompt["event_id"], "error_type": kind, "error_code": code, **more}
        return self.event(
            session,
            ("system", provider),
            "system",
            {"text": f"{kind}: try again later"},
            metrics={"latency_ms": latency},
            provenance=origin,
            extensions=extensions,
        )

    def tool(self, session: str, model: str, completion: Event) -> Iterator[Event]:
        named = {"tool": "weather", "tool_call_id": f"call_{self.identity()}"}
        call = self.event(
            session,
            ("agent", model),
            "tool_call",
            {"text": '{"city": "Paris"}'},
            extensions={"reply_to": completion["event_id"], **named},
        )
        yield call
        yield self.event(
            session,
            ("tool", "weather"),
            "tool_result",
            {"text": self.prose_of(self.rng.randint(20, 800))},
            extensions={"reply_to": call["event_id"], **named},
        )

    def event(
        self, session: str, actor: tuple[str, str], action: str, content: Event, **more: Any
    ) -> dict[str, Any]:
        """Return an event of the next millisecond."""
        self.now += timedelta(milliseconds=1)
        return {
            "hilt_version": "1.0.0",
            "event_id": self.identity(),
            "timestamp": self.now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "session_id": session,
            "actor": {"type": actor[0], "id": actor[1]},
            "action": action,
            "content": content,
            **more,
        }

    def identity(self) -> str:
        self.count += 1
        return f"{self.count:012x}{self.rng.getrandbits(80):020x}"

    def session(self) -> str:
        return f"conv_{self.rng.getrandbits(48):012x}"

    def prose_of(self, length: int) -> str:
        start = self.rng.randrange(len(self.prose) - length)
        return self.prose[start : start + length]
