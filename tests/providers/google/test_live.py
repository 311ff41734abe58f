"""Live sessions of google-genai, against a websocket server on this machine."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading

import pytest
from google import genai
from google.genai import errors, types
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

import hilt_autolog
from hilt_autolog.contracts.realtime import Turn
from hilt_autolog.providers._google.live import LiveReader
from tests.support.realtime import spoiled, turns

SOUND = b"\x05\x06" * 30
USAGE = {"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12}  # as Vertex spells it
CONFIG = {"response_modalities": ["TEXT"], "system_instruction": "Be brief."}


def script(socket):
    """Answer by an echo, `tool` by a call, `aloud` by sound; interrupt `stop`, and fail at `break`."""

    def tell(**message):
        socket.send(json.dumps(message))

    def say(*parts, **content):
        tell(serverContent={"modelTurn": {"parts": list(parts)}, **content})

    socket.recv()  # the setup
    tell(setupComplete={})
    for message in socket:
        [(kind, sent)] = json.loads(message).items()
        words = said(sent) if kind == "client_content" else kind
        if kind == "realtime_input":
            tell(serverContent={"inputTranscription": {"text": "Hal"}})
            tell(serverContent={"inputTranscription": {"text": "lo"}})
        if words == "tool":
            call = {"id": "call_1", "name": "weather", "args": {"city": "Rome"}}
            tell(toolCall={"functionCalls": [call]}, usageMetadata=USAGE)
            continue
        if words == "aloud":
            sound = {"mimeType": "audio/pcm;rate=24000", "data": base64.b64encode(SOUND).decode()}
            say({"inlineData": sound})
            tell(serverContent={"outputTranscription": {"text": "It is noon."}})
        elif words in ("stop", "break"):
            say({"text": "You"})
            if words == "break":
                socket.close(1011, "broken")
                return
            tell(serverContent={"interrupted": True})
        else:
            say({"text": "You said: "})
            say({"text": words})
        tell(serverContent={"generationComplete": True})
        tell(serverContent={"turnComplete": True}, usageMetadata=USAGE)


def said(content):
    return content["turns"][-1]["parts"][0]["text"]


@pytest.fixture(scope="module")
def url():
    def handle(socket):
        with contextlib.suppress(ConnectionClosed):
            script(socket)

    server = serve(handle, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
    server.shutdown()
    thread.join()


@pytest.fixture
def live(url, runner, recording):
    """Run a program over a session."""

    def run(program):
        async def connected():
            client = genai.Client(vertexai=True, http_options=types.HttpOptions(base_url=url))
            client._api_client._websocket_ssl_ctx = {}  # the SDK knows no session without TLS
            async with client.aio.live.connect(model="gemini-live", config=CONFIG) as session:
                return await program(session)

        return runner.run(connected())

    return run


async def ask(session, words):
    content = types.Content(role="user", parts=[types.Part(text=words)])
    await session.send_client_content(turns=content)
    return await heard(session)


async def heard(session):
    """Receive until the turn is over, or a tool is asked for."""
    messages = []
    async for message in session.receive():
        messages.append(message)
        if message.tool_call:
            break
    return messages


def test_turns(live, recording):
    async def program(session):
        await ask(session, "One")
        await ask(session, "Two")

    recording()
    live(program)
    log = recording.log()
    opened = log.events[0]
    assert opened["content"]["text"] == "session opened"
    assert opened["provenance"]["model"] == "gemini-live"
    told = turns(log)
    assert [event["content"].get("text") for event in told] == [
        "One",
        "You said: One",
        "Two",
        "You said: Two",
    ]
    assert [part["role"] for part in told[0]["content"]["messages"]] == ["system", "user"]
    assert {event["session_id"] for event in log.events} == {opened["session_id"]}
    assert told[1]["metrics"]["tokens"] == {"prompt": 7, "completion": 5, "total": 12}
    assert told[1]["provenance"]["operation"] == "BidiGenerateContent"
    assert [chunk["content"]["text"] for chunk in log.of("completion_chunk")][:2] == ["You said: ", "One"]


def test_a_tool(live, recording):
    async def program(session):
        await ask(session, "tool")
        result = types.FunctionResponse(id="call_1", name="weather", response={"sky": "sunny"})
        await session.send_tool_response(function_responses=result)
        await heard(session)

    recording()
    live(program)
    log = recording.log()
    actions = [event["action"] for event in turns(log)]
    assert actions == ["prompt", "completion", "tool_call", "tool_result", "prompt", "completion"]
    assert json.loads(log.of("tool_call")[0]["content"]["text"]) == {"city": "Rome"}
    assert json.loads(log.of("tool_result")[0]["content"]["text"]) == {"sky": "sunny"}
    assert log.of("tool_result")[0]["extensions"]["reply_to"] == log.of("tool_call")[0]["event_id"]


def test_sound(live, recording):
    async def program(session):
        await ask(session, "aloud")
        for half in (SOUND[:10], SOUND[10:]):
            blob = types.Blob(data=half, mime_type="audio/pcm")
            await session.send_realtime_input(audio=blob)
            await heard(session)

    recording()
    live(program)
    log = recording.log()
    first, second, third = log.of("completion")
    assert first["content"]["text"] == "It is noon."
    digest = hashlib.sha256(SOUND).hexdigest()
    spoken = {"type": "blob", "modality": "audio", "mime_type": "audio/pcm;rate=24000", "sha256": digest}
    assert first["content"]["messages"][0]["parts"][1] == spoken | {"bytes": len(SOUND)}
    prompts = log.of("prompt")
    assert prompts[1]["content"]["messages"][0]["parts"][0]["content"] == "Hallo"
    assert prompts[1]["content"]["messages"][1]["parts"][0]["bytes"] == 10
    assert len(prompts) == len(log.of("completion")) == 3
    assert second["content"] == third["content"] == {"text": "You said: realtime_input"}


@pytest.mark.parametrize(("words", "ended"), [("stop", "cancelled"), ("break", "error")])
def test_turns_that_are_cut(live, recording, words, ended):
    async def program(session):
        if words == "break":
            with pytest.raises(errors.APIError):
                await ask(session, words)
        else:
            await ask(session, words)

    recording()
    live(program)
    [cut] = recording.log().of("completion")
    assert (cut["content"]["text"], cut["extensions"]["ended"]) == ("You", ended)


def test_the_program_sees_what_it_sees_without_us(live, recording):
    async def program(session):
        return [
            message.model_dump()
            for words in ("One", "aloud", "tool")
            for message in await ask(session, words)
        ]

    alone = live(program)
    recording()
    assert live(program) == alone
    assert False not in hilt_autolog.status().watching["google.genai"].values()


SAMPLES = [
    ("on_send", {"setup": {"model": "models/m", "systemInstruction": {"parts": [{"text": "Be brief."}]}}}),
    ("on_send", {"turns": {"role": "user", "parts": [{"text": "One"}]}, "turn_complete": True}),
    ("on_receive", {"serverContent": {"modelTurn": {"parts": [{"text": "You"}]}}}),
    ("on_receive", {"serverContent": {"outputTranscription": {"text": "said"}, "interrupted": True}}),
    ("on_receive", {"serverContent": {"turnComplete": True}, "usageMetadata": USAGE}),
    ("on_send", {"audio": {"data": SOUND, "mime_type": "audio/pcm"}}),
    ("on_receive", {"serverContent": {"inputTranscription": {"text": "Hallo"}}}),
    (
        "on_receive",
        {"toolCall": {"functionCalls": [{"id": "1", "name": "weather", "args": {"city": "Rome"}}]}},
    ),
    ("on_send", {"function_responses": [{"id": "1", "name": "weather", "response": {"sky": "sunny"}}]}),
    (
        "on_receive",
        {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "a", "data": "x"}}]}}},
    ),
]


def test_each_field_of_each_message_spoiled():
    """Nothing of ours fails at an odd field; what comes after is read."""
    for number, (way, sample) in enumerate(SAMPLES):
        for odd in spoiled(sample):
            dialogue, folds = LiveReader("gemini", None), {}
            for way_of_one, one in [*SAMPLES[:number], (way, odd), *SAMPLES[number + 1 :]]:
                step = getattr(dialogue, way_of_one)(one)
                if isinstance(step, Turn):
                    if step.request is not None:
                        assert step.request.operation.accumulator
                        folds[step.key] = step.request.operation.accumulator()
                    if step.chunk is not None:
                        folds[step.key].add(step.chunk)
                        folds[step.key].response()
