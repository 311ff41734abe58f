"""Events round the SDK's typed methods, and events that make no sense: the program sees what it would."""

from __future__ import annotations

import json

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.calling import settled, spelled
from tests.support.realtime import HI, OLD_WAY, Caller, asked, said, spoiled, turns, until
from tests.support.realtime_server import SOUND, Realtime, b64

pytestmark = OLD_WAY


def test_raw_text_out_and_raw_bytes_in(call, recording):
    async def program(connection):
        send = getattr(connection, "send_raw", None)
        if send is None:
            pytest.skip("this openai sends no raw text")
        await settled(send(json.dumps({"type": "conversation.item.create", "item": HI})))
        await settled(send(json.dumps({"type": "response.create"})))
        while True:
            data = await settled(connection.recv_bytes())
            assert type(data) is bytes
            if connection.parse_event(data).type == "response.done":
                return

    recording()
    call(program)
    assert [event["content"]["text"] for event in turns(recording.log())] == ["Hi", "You said: Hi"]


def test_events_that_wait_for_the_connection(call, recording):
    async def program():
        manager = call.open()
        if not hasattr(manager, "send"):
            pytest.skip("this openai has no queue")
        manager.send({"type": "conversation.item.create", "item": HI})
        manager.send({"type": "response.create"})
        connection = await settled(manager.enter())
        await until(connection)
        await asked(connection, "Then")
        await settled(connection.close())

    recording()
    call.run(program())
    said = [event["content"]["text"] for event in turns(recording.log())]
    assert said == ["Hi", "You said: Hi", "Then", "You said: Then"]


def test_models_of_the_sdk(call, recording):
    from openai.types.realtime import ConversationItemCreateEvent, ResponseCreateEvent

    async def program(connection):
        event = ConversationItemCreateEvent.model_validate({"type": "conversation.item.create", "item": HI})
        await settled(connection.send(event))
        await settled(connection.send(ResponseCreateEvent(type="response.create")))
        await until(connection)

    recording()
    call(program)
    assert [event["content"]["text"] for event in turns(recording.log())] == ["Hi", "You said: Hi"]


def test_the_names_of_older_versions(call, recording, server):
    """The beta called the same things by other names."""

    names = {"output_audio": "audio", "item.added": "item.created", "output_text": "text"}

    class Beta(Realtime):
        def send(self, kind, **known):
            for new, old in names.items():
                kind = kind.replace(new, old)
            text = json.dumps({"type": kind, **known}).replace('"output_audio"', '"audio"')
            if not kind.endswith("item.done"):
                self.socket.send(text)

    async def program(connection):
        session = {"modalities": ["audio"], "output_audio_format": "g711_ulaw"}
        await settled(connection.send({"type": "session.update", "session": session}))
        await asked(connection, "Hi", output_modalities=["audio"])
        await settled(connection.input_audio_buffer.append(audio=b64(SOUND[0])))
        await settled(connection.input_audio_buffer.commit())
        await settled(connection.response.create())
        await until(connection)

    server.play = Beta
    recording()
    call(program)
    log = recording.log()
    first = log.of("completion")[0]
    assert first["content"]["text"] == "It is noon."
    assert first["content"]["messages"][0]["parts"][1]["mime_type"] == "audio/pcmu"
    assert len(log.of("prompt")) == 2


# --- what makes no sense

SCRIPT = [
    {"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}},
    {"type": "conversation.item.create", "item": HI},
    {"type": "response.create", "response": {"output_modalities": ["audio"], "tools": []}},
    {"type": "conversation.item.create", "item": said("tool")},
    {"type": "response.create"},
    {
        "type": "conversation.item.create",
        "item": {"type": "function_call_output", "call_id": "call_2", "output": "sunny"},
    },
    {"type": "response.create", "response": {"conversation": "none", "input": [said("Judge")]}},
    {"type": "input_audio_buffer.append", "audio": b64(SOUND[0])},
    {"type": "input_audio_buffer.commit"},
    {"type": "response.create", "event_id": "event_7"},
]


class Tape:
    """A socket that keeps what a script sends."""

    def __init__(self):
        self.events = []

    def send(self, text):
        self.events.append(json.loads(text))


def transcript():
    """Every event of a long conversation, in order: what goes out, and what comes in."""
    tape = Tape()
    script = Realtime(tape, "m")
    both = [("in", event) for event in tape.events]
    for event in SCRIPT:
        tape.events.clear()
        script.take(json.loads(json.dumps(event)))
        both += [("out", event), *(("in", told) for told in tape.events)]
    return both


def dialogue():
    from hilt_autolog.contracts.realtime import Turn
    from hilt_autolog.providers._openai.realtime import RealtimeReader
    from hilt_autolog.providers._openai.websocket import ConnectionInfo

    read = RealtimeReader(ConnectionInfo("openai", "m", None, "openai"))
    folds = {}

    def take(way, event):
        step = read.on_send(event) if way == "out" else read.on_receive(event)
        if isinstance(step, Turn):
            if step.request is not None:
                assert step.request.operation.accumulator
                folds[step.key] = step.request.operation.accumulator()
            if step.key in folds and step.chunk is not None:
                folds[step.key].add(step.chunk)
                folds[step.key].response()

    return take


def test_each_field_of_each_event_spoiled():
    """Nothing of ours fails at an odd field; what comes after is read."""
    events = transcript()
    count = 0
    for number, (way, event) in enumerate(events):
        for odd in spoiled(event):
            take = dialogue()
            for before in events[max(0, number - 6) : number]:
                take(*before)
            take(way, odd)
            for after in events[number + 1 : number + 4]:
                take(*after)
            count += 1
    assert count > 2000


NONSENSE = [
    "no json",
    "[1, 2]",
    "null",
    '"text"',
    "{}",
    '{"type": null}',
    '{"type": "response.created"}',
    '{"type": "response.done", "response": null}',
    '{"type": "response.output_text.delta", "response_id": "resp_1", "delta": 7}',
    '{"type": "response.of.tomorrow", "response_id": "resp_1", "delta": "x"}',
    '{"type": "error"}',
    '{"type": "error", "error": "text"}',
    '{"type": "conversation.item.added", "item": {"content": "text"}}',
]


class Nonsense:
    """Tells all of it, and an end."""

    def __init__(self, socket, _model):
        for text in NONSENSE:
            socket.send(text)
        socket.send(b"\xff\xfe")
        socket.close()


async def everything(connection, seen):
    """Receive, raw and parsed in turn, until the connection closes."""
    end = None
    while end is None:
        try:
            data = await settled(connection.recv_bytes())
            seen.append(data)
            seen.append(spelled(connection.parse_event(data)))
        except ConnectionClosed as error:
            end = str(error)
        except Exception as error:
            seen.append(repr(error))
    return end


def test_the_program_sees_what_it_sees_without_us(call, recording, server):
    server.play = Nonsense
    alone, watched = [], []
    end = call(lambda connection: everything(connection, alone))
    recording()
    assert call(lambda connection: everything(connection, watched)) == end
    assert watched == alone
    assert len(watched) > len(NONSENSE)


def test_a_turn_after_one_that_could_not_be_sent(call, recording):
    async def program(connection):
        with pytest.raises(Exception):  # noqa: B017, PT011  whatever it is, it is the SDK's
            await settled(connection.send({"type": "response.create", "response": {"metadata": object()}}))
        await asked(connection, "Hi")

    recording()
    call(program)
    assert turns(recording.log())[-1]["content"]["text"] == "You said: Hi"


def test_what_the_sdk_refuses_to_send(sync_call: Caller, recording):
    async def program(connection):
        cycle: dict = {"type": "response.create"}
        cycle["response"] = cycle
        for odd in (object(), {"type": object()}, {"type": "response.create", "response": {1, 2}}, cycle):
            with pytest.raises(Exception) as caught:  # noqa: PT011  whatever it is, it is the SDK's
                connection.send(odd)
            raised.append(repr(type(caught.value)))

    raised = []
    sync_call(program)
    alone, raised = raised, []
    recording()
    sync_call(program)
    assert raised == alone
