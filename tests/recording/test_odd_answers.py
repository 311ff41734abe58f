"""Whatever is missing, null or of another type in an answer: the program gets it, the call has its end."""

from __future__ import annotations

import copy
import json
from functools import cache

import pytest
from offline.wire import frame

from tests.support.calling import functions, outcome, run_sync
from tests.support.in_process import IN_PROCESS
from tests.support.ways import WAYS

WEATHER = {
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
ASK = [{"role": "user", "content": "How is the weather in Paris?"}]
COUNT = [{"role": "user", "content": "Count to 2"}]
CLAUDE = {
    "model": "claude-haiku-4-5",
    "max_tokens": 2000,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
}
CALLS = {
    "chat": ("chat.completions.create", {"model": "my-reasoner", "messages": COUNT, "n": 2}),
    "tools": (
        "chat.completions.create",
        {"model": "gpt-4o", "messages": ASK, "tools": [{"type": "function", "function": WEATHER}]},
    ),
    "sound": (
        "chat.completions.create",
        {
            "model": "gpt-4o",
            "messages": ASK,
            "modalities": ["audio"],
            "audio": {"voice": "alloy", "format": "wav"},
        },
    ),
    "responses": (
        "responses.create",
        {"model": "o4-mini", "input": COUNT, "reasoning": {"summary": "auto"}},
    ),
    "response tools": (
        "responses.create",
        {"model": "gpt-4o", "input": ASK, "tools": [{"type": "function", **WEATHER}]},
    ),
    "completions": ("completions.create", {"model": "gpt-4o", "prompt": "Count to 2"}),
    "embeddings": (
        "embeddings.create",
        {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 3},
    ),
    "images": ("images.generate", {"model": "gpt-image-1", "prompt": "Hello"}),
    "moderations": ("moderations.create", {"input": "Hello"}),
    "messages": ("messages.create", CLAUDE | {"messages": COUNT}),
    "message tools": (
        "beta.messages.create",
        CLAUDE | {"messages": ASK, "tools": [{"name": "get_weather", "input_schema": WEATHER["parameters"]}]},
    ),
}
STREAMS = (
    *("chat", "tools", "sound", "responses", "response tools", "completions", "images"),
    *("messages", "message tools"),
)


def here(name):
    """The SDK that a call is made with."""
    return IN_PROCESS["anthropic" if CALLS[name][0].endswith("messages.create") else "openai"]


@cache
def recorded(name, *, stream):
    """What the offline provider answers: a body, or the data of a stream's events."""
    bodies = []

    def keep(answer):
        answer.read()
        bodies.append(answer.text)

    call, arguments = CALLS[name]
    client = here(name).offline(hooks={"event_hooks": {"response": [keep]}})
    made = functions(client, call).create(**arguments, **({"stream": True} if stream else {}))
    for _ in made if stream else ():
        pass
    if not stream:
        return json.loads(bodies[0])
    lines = [line[6:] for line in bodies[0].splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


# --- what may be wrong with a field

GONE = object()
ECHOES = (  # fields of a response that repeat the request
    *("background", "instructions", "max_output_tokens", "metadata", "parallel_tool_calls", "reasoning"),
    *("previous_response_id", "temperature", "text", "tool_choice", "tools", "top_p", "truncation"),
)
WRONG = {"gone": GONE, "null": None, "a number": 3, "a list": [1], "an object": {"a": None}}


def places(value, path=()):
    """The paths of all fields; of a list's items, the first represents all."""
    if isinstance(value, dict):
        for key in value:
            if key in ECHOES and "output" in value:
                continue
            yield (*path, key)
            yield from places(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield (*path, 0)
        yield from places(value[0], (*path, 0))


def spoiled(body, path, wrong):
    """A copy of a body with another value at a place; the body itself where it has no such place."""
    body = copy.deepcopy(body)
    *above, last = path
    holder = body
    try:
        for key in above:
            holder = holder[key]
        holder[last]
    except (LookupError, TypeError):
        return body
    if wrong is GONE:
        del holder[last]
    else:
        holder[last] = wrong
    return body


def framed(event, data):
    """The frame of an event, whatever has become of its data."""
    return frame(data, event.get("type"))


def seen(name, way, content):
    """What the program sees of an answer."""
    call, arguments = CALLS[name]
    f = functions(here(name).client_over(lambda request: here(name).response(content)), call)
    return outcome(run_sync, WAYS[way], f, arguments)[0]


def compare(recording, name, contents):
    """The program sees of each of the contents the same as without us; each call begins and ends once."""
    alone = {key: seen(name, *content) for key, content in contents.items()}
    recording(chunks="off")
    different = {key: alone[key] for key, content in contents.items() if seen(name, *content) != alone[key]}
    assert different == {}
    log = recording.log()
    assert log.read.problems == []
    begun = {event["event_id"] for event in log.of("prompt")}
    ended = [event["extensions"].get("reply_to") for event in log.of("completion", "embedding", "system")]
    assert len(begun) in (0, len(contents))
    assert {*ended} == (begun or {None})
    assert len(ended) >= len(contents)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("way", ["plain", "streaming.read"])
def test_an_answer_with_a_field_spoiled(recording, name, way):
    body = recorded(name, stream=False)
    contents = {
        (path, wrong): (way, spoiled(body, path, WRONG[wrong]))
        for path in dict.fromkeys(places(body))
        for wrong in WRONG
    }
    compare(recording, name, contents)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("way", ["stream", "streaming.read of a stream"])
def test_a_stream_with_a_field_spoiled(recording, name, way):
    events = recorded(name, stream=True)
    contents = {
        (path, wrong): (way, [framed(event, spoiled(event, path, WRONG[wrong])) for event in events])
        for path in dict.fromkeys(path for event in events for path in places(event))
        for wrong in ("gone", "null", "a list")
    }
    compare(recording, name, contents)


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_without_one_of_its_events(recording, name):
    events = [framed(event, event) for event in recorded(name, stream=True)]
    contents: dict[object, tuple] = {
        place: ("stream", events[:place] + events[place + 1 :]) for place in range(len(events))
    }
    contents |= {
        f"twice {place}": ("stream", events[: place + 1] + events[place:]) for place in range(len(events))
    }
    compare(recording, name, contents)
