"""Each of our functions within a call fails once: the program sees nothing, the next call is recorded."""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path

import pytest

import hilt_autolog
from hilt_autolog.internal_errors import internal_errors
from hilt_autolog.providers._stainless import StainlessProvider
from tests.support.apis import CHAT, RESPONSES
from tests.support.calling import functions, outcome, run_sync
from tests.support.in_process import client_over, offline, response
from tests.support.ways import WAYS

PACKAGE = os.path.dirname(hilt_autolog.__file__)
# Replacements for functions of the SDK, and what guards others: what can fail in these is guarded there.
EXPOSED = """
    _begin begin _reset _observe_result wrapper begin_if_armed add observed_close safely note is_strict
    _location _reporting_errors
    __iter__ __next__ __anext__ __getattr__ __del__ iter_bytes aiter_bytes
"""
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGFsbG8="}}
QUESTION = [{"role": "user", "content": [{"type": "text", "text": "How is the weather?"}, PICTURE]}]


async def turns(f, arguments, seen):
    """A conversation with a tool and a picture."""
    arguments = {"model": "gpt-4o", "messages": list(QUESTION), "tools": [WEATHER]}
    asked = f.create(**arguments).choices[0].message.to_dict()
    [call] = asked["tool_calls"]
    arguments["messages"] += [asked, {"role": "tool", "tool_call_id": call["id"], "content": "18 degrees"}]
    seen.append(f.create(**arguments).choices[0].message.content)


async def left(f, arguments, seen):
    stream = f.create(**arguments, stream=True)
    seen.append(next(stream).choices[0].delta.role)
    stream.close()


async def dropped(f, arguments, seen):
    seen.append(next(f.create(**arguments, stream=True)).choices[0].delta.role)
    gc.collect()


async def background(f, arguments, seen):
    name = f.client.responses.create(model="gpt-4o", input="Hello", background=True).id
    seen.append(f.client.responses.retrieve(name).output_text)


async def responses(f, arguments, seen):
    await WAYS["stream"](functions(f.client, RESPONSES.call), RESPONSES.arguments, seen)


async def others(f, arguments, seen):
    seen.append(f.client.embeddings.create(model="m", input="Hello", dimensions=3).data[0].embedding)
    seen.append(f.client.audio.speech.create(model="tts-1", voice="alloy", input="Hello").content[:4])
    seen.append(f.client.models.list().data[0].id)


async def failed(f, arguments, seen):
    client = client_over(lambda request: response({"error": {"message": "No"}}, status=500))
    client.chat.completions.create(**arguments)


async def broken(f, arguments, seen):
    frames = [
        b'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n',
        b'data: {"error": {"message": "No"}}\n\n',
    ]
    stream = client_over(lambda request: response(frames)).chat.completions.create(**arguments, stream=True)
    for chunk in stream:
        seen.append(chunk.choices[0].delta.content)


PROGRAM = (
    *(WAYS[way] for way in ("plain", "raw", "stream", "raw stream", "streaming.read", "parse", "helper")),
    *(WAYS[way] for way in ("streaming.iter_lines of a stream", "streaming.parse")),
    *(turns, left, dropped, background, others, failed, broken, responses),
)


def do(step):
    """What a program sees of one of its steps."""
    return outcome(run_sync, step, functions(offline(), CHAT.call), CHAT.arguments)[0]


def name_of(code):
    path = Path(code.co_filename)
    return f"{path.parent.name}/{path.name}:{code.co_firstlineno} {code.co_name}"


def traced(tracer, step):
    previous = sys.gettrace()  # coverage's
    sys.settrace(tracer)
    try:
        return do(step)
    finally:
        sys.settrace(previous)


def passed(step):
    """The code of ours that a step passes through, by name."""
    codes = {}

    def tracer(frame, event, argument):
        if frame.f_code.co_filename.startswith(PACKAGE) and "import_hook" not in frame.f_code.co_filename:
            codes[name_of(frame.f_code)] = frame.f_code

    traced(tracer, step)
    return codes


def failing(code):
    """A tracer that lets a function fail, the first time that it is called."""

    def tracer(frame, event, argument):
        if frame.f_code is code:
            sys.settrace(None)
            raise MemoryError("injected")

    return tracer


@pytest.fixture
def lenient(monkeypatch):
    monkeypatch.delenv("HILT_STRICT")


@pytest.mark.usefixtures("lenient", "frozen")
def test_a_fault_of_ours_is_ours_alone(recording, capfd):
    alone = {step: do(step) for step in PROGRAM}
    recording()
    codes = {name: (code, step) for step in reversed(PROGRAM) for name, code in passed(step).items()}
    assert len(codes) > 150
    wrong = []
    for name, (code, step) in codes.items():
        if code.co_name not in EXPOSED.split() and not (
            traced(failing(code), step) == alone[step] and told(recording)
        ):
            wrong.append(name)
    assert wrong == []
    assert capfd.readouterr() == ("", "")


def told(recording):
    """The next call is recorded as if nothing had happened."""
    gc.collect()  # what a fault has left open ends now, and not in the middle of that call
    start = recording.path.stat().st_size
    offline().chat.completions.create(**CHAT.arguments)
    lines = recording.path.read_bytes()[start:].splitlines()
    return [json.loads(line)["action"] for line in lines] == ["prompt", "completion"]


@pytest.mark.usefixtures("lenient")
def test_the_setting_strict_raises_them(recording, monkeypatch):
    def fail(*_):
        raise MemoryError("injected")

    client = offline()
    monkeypatch.setattr(StainlessProvider, "response", fail)
    recording()
    assert client.chat.completions.create(**CHAT.arguments).choices
    hilt_autolog.disable()
    recording(strict=True)
    with pytest.raises(MemoryError, match="injected"):
        client.chat.completions.create(**CHAT.arguments)
    hilt_autolog.disable()
    recording()
    assert client.chat.completions.create(**CHAT.arguments).choices


def test_strict_ends_with_the_recording(recording):
    recording(strict=True)
    assert internal_errors.is_strict
    hilt_autolog.disable()
    assert not internal_errors.is_strict
