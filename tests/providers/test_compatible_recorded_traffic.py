"""What providers really answered, read by their own SDKs: each call once, with what the program got."""

from __future__ import annotations

import json

import pytest

from tests.support.calling import Log
from tests.support.compatible_sdks import IN_PROCESS, OPTIONS

MODULES = {"groq": "groq", "perplexity": "perplexity", "together": "together"}


@pytest.fixture(scope="module")
def recorded(shared):
    lines = (shared / "corpus" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        row
        for row in rows
        if row["endpoint"] == "chat.completions" and isinstance(row["request"]["body"], dict)
    ]


@pytest.mark.parametrize("provider", MODULES)
def test_recorded_chats(recorded, provider, recording):
    module = MODULES[provider]
    if module not in IN_PROCESS:
        pytest.skip(f"needs {module}")
    recording(chunks="off")
    told = [answer(module, row) for row in recorded if row["provider"] == provider]
    log = Log(recording.path)
    assert len(told) == len(log.of("prompt"))
    ends = log.of("completion", "system")
    said = [end["content"].get("text", "") if end["action"] == "completion" else "" for end in ends]
    assert said == told != []


def answer(module, row):
    """Ask again, and return the text that the program gets; nothing of a call that fails."""
    here, given, body = IN_PROCESS[module], row["response"], dict(row["request"]["body"])
    content = given.get("sse") or given.get("body_text") or json.dumps(given.get("body"))
    kind = given["headers"].get("content-type", "application/json")
    client = here.client_over(
        lambda _: here.response(content, kind, given["status"]), **OPTIONS.get(module, {})
    )
    ask, stream = client.chat.completions.create, body.pop("stream", False)
    messages, model = body.pop("messages"), body.pop("model")
    try:
        told = ask(messages=messages, model=model, stream=stream, extra_body=body)
        if stream:
            return "".join(chunk.choices[0].delta.content or "" for chunk in told if chunk.choices)
        return told.choices[0].message.content or ""
    except here.sdk.package.APIError:
        return ""
