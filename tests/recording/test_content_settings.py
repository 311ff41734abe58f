"""content=none and content=hash: nothing of what a person or a model said is in the file."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json

import openai
import pytest
from offline.wire import frame

from tests.support.in_process import client_over, offline, response

CANARY = "kanarienvogel"
TOOL = {"name": "tweet", "description": CANARY, "parameters": {"title": CANARY}}
PERSON = {"name": "p", "schema": {"type": "object", "title": CANARY}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "tweet", "arguments": f'["{CANARY}"]'}}
MESSAGES = [
    {"role": "system", "content": f"system {CANARY}"},
    {"role": "user", "content": [{"type": "text", "text": f"text {CANARY}"}], "name": CANARY},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": f"result {CANARY}"},
    {"role": "user", "content": f"last {CANARY}"},
]
SAID = {"role": "assistant", "content": f"answer {CANARY}", "reasoning_content": CANARY, "tool_calls": [CALL]}
ANSWER = {"id": "c_1", "choices": [{"index": 0, "message": SAID, "finish_reason": "stop"}]}
PICTURE = "data:image/png;base64," + base64.b64encode(CANARY.encode()).decode()


def chat(client):
    client.chat.completions.create(
        model="gpt-4o",
        messages=MESSAGES,
        tools=[{"type": "function", "function": TOOL}],
        response_format={"type": "json_schema", "json_schema": PERSON},
        stop=[CANARY],
        user=CANARY,
        metadata={"note": CANARY},
        temperature=0.5,
        extra_body={"query": CANARY, "deep": [{"er": CANARY}]},
        extra_headers={"x-note": CANARY},
        extra_query={"q": CANARY},
    )


def stream(client):
    for _ in client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True):
        pass


def left_stream(client):
    with client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True) as chunks:
        next(iter(chunks))


def responses(client):
    parts = [{"type": "input_text", "text": CANARY}, {"type": "input_image", "image_url": PICTURE}]
    client.responses.create(model="gpt-4o", instructions=CANARY, input=[{"role": "user", "content": parts}])


def embeddings(client):
    client.embeddings.create(model="text-embedding-3-small", input=[CANARY, f"{CANARY}!"])


def others(client):
    client.images.generate(model="gpt-image-1", prompt=CANARY)
    client.audio.speech.create(model="tts-1", input=CANARY, voice="alloy", instructions=CANARY)
    client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF"), prompt=CANARY)
    client.moderations.create(input=CANARY)
    client.completions.create(model="gpt-4o", prompt=CANARY, suffix=CANARY)


def failing(client):
    error = {"error": {"message": f"you said {CANARY}", "code": "refused", "param": CANARY}}
    failing = client_over(lambda request: response(error, status=400))
    failing.chat.completions.create(model="gpt-4o", messages=MESSAGES)


def answered(client):
    said = frame({"id": "c_1", "choices": [{"index": 0, "delta": {"content": CANARY}}]})
    answers = client_over(lambda request: response([said] if b'"stream"' in request.content else ANSWER))
    answers.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    for _ in answers.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True):
        pass


CALLS = [chat, stream, left_stream, responses, embeddings, others, failing, answered]


@pytest.mark.parametrize("content", ["hash", "none"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_canary_is_nowhere(recording, call, content):
    recording(content=content)
    with contextlib.suppress(openai.APIStatusError):
        call(offline())
    written = recording.path.read_bytes()
    assert CANARY.encode() not in written
    assert PICTURE[-20:].encode() not in written
    log = recording.log()
    assert log.of("completion", "embedding", "system")
    assert log.of("completion_chunk") == []
    assert all(event["privacy"] == {"redaction_applied": True} for event in log.events)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_the_canary_is_seen_where_content_is_kept(recording, call):
    """So that the test above can fail."""
    recording()
    with contextlib.suppress(openai.APIStatusError):
        call(offline())
    assert CANARY.encode() in recording.path.read_bytes()


def test_a_hash_identifies_the_same_text_again(recording):
    recording(content="hash")
    client = offline()
    for _ in range(2):
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": CANARY}])
    digests = {json.dumps(event["content"]) for event in recording.log().of("prompt")}
    assert digests == {json.dumps({"text_hash": "sha256:" + hashlib.sha256(CANARY.encode()).hexdigest()})}


def test_numbers_stay(recording):
    recording(content="none")
    chat(offline())
    prompt, answer = recording.log().of("prompt", "completion")
    assert prompt["extensions"]["request"] == {"temperature": 0.5}
    assert answer["metrics"]["tokens"]["total"] == answer["extensions"]["usage"]["total_tokens"]


@pytest.mark.parametrize("content", ["full", "hash", "none"])
def test_keys_and_headers_are_recorded_nowhere(recording, content):
    recording(content=content)
    options = {"api_key": CANARY, "default_headers": {"x-a": CANARY}, "default_query": {"q": CANARY}}
    client = offline(**options, organization=CANARY, project=CANARY)
    words = [{"role": "user", "content": "Hello"}]
    extra = {"extra_headers": {"x-b": CANARY}, "extra_query": {"p": CANARY}}
    client.chat.completions.create(model="gpt-4o", messages=words, **extra)
    failing = client_over(lambda request: response({}, status=401), **options)
    with pytest.raises(openai.AuthenticationError):
        failing.chat.completions.create(model="gpt-4o", messages=words, **extra)
    assert CANARY.encode() not in recording.path.read_bytes()
