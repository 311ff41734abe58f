"""Connections when recording is enabled late or disabled early, and the SDK's classes meanwhile."""

from __future__ import annotations

import gc
import sys
import threading

import pytest

import hilt_autolog
from hilt_autolog.providers.openai import EXTRA_PROVIDERS
from tests.support.calling import settled
from tests.support.realtime import HI, OLD_WAY, asked, said, turns, until

pytestmark = OLD_WAY


def functions_now():
    found = {}
    for probe in EXTRA_PROVIDERS[0].targets:
        owner = getattr(sys.modules.get(probe.module), probe.owner, None)
        if owner is not None:
            found[probe] = vars(owner)[probe.name]
    return found


def test_the_very_functions_are_put_back(recording):
    before = functions_now()
    assert before
    for _ in range(2):
        recording()
        assert not any(now is before[probe] for probe, now in functions_now().items())
        hilt_autolog.disable()
        assert all(now is before[probe] for probe, now in functions_now().items())


def test_every_method_that_we_look_for_exists(recording):
    recording()
    assert False not in hilt_autolog.status().watching["openai"].values()


def test_switched_on_late(call, recording):
    async def program(connection):
        await asked(connection, "Unheard")
        recording()
        await asked(connection, "Heard")

    call(program)
    log = recording.log()
    assert [event["content"]["text"] for event in turns(log)] == ["Heard", "You said: Heard"]


def test_switched_on_in_the_middle_of_a_turn(call, recording):
    async def program(connection):
        await settled(connection.conversation.item.create(item=HI))
        await settled(connection.response.create())
        await until(connection, "response.created")
        recording()
        await until(connection)
        await asked(connection, "Heard")

    call(program)
    assert [event["content"]["text"] for event in turns(recording.log())] == ["Heard", "You said: Heard"]


def test_switched_on_in_a_turn_that_another_follows_at_once(call, recording):
    async def program(connection):
        await settled(connection.conversation.item.create(item=said("wait")))
        await settled(connection.response.create())
        await until(connection, "response.created")
        recording()
        await settled(connection.response.cancel())
        await settled(connection.conversation.item.create(item=said("Heard")))
        await settled(connection.response.create())
        await until(connection)
        await until(connection)

    call(program)
    assert [event["content"]["text"] for event in turns(recording.log())] == ["Heard", "You said: Heard"]


def test_switched_off_and_on_again(call, recording):
    async def program(connection):
        with recording():
            await asked(connection, "One")
        await asked(connection, "Two")
        with recording():
            await asked(connection, "Three")

    call(program)
    said = [event["content"]["text"] for event in turns(recording.log())]
    assert said == ["One", "You said: One", "Three", "You said: Three"]


def test_what_is_awaited_when_the_recording_ends(sync_call, recording):
    """A reader that waits in the SDK's method comes back when nobody is to know any more."""

    async def program(connection):
        recording()
        await until(connection, "session.created")
        reader = threading.Thread(target=connection.recv)
        reader.start()
        reader.join(0.1)  # it waits
        hilt_autolog.disable()
        connection.response.create()
        reader.join()
        await until(connection)

    sync_call(program)
    assert recording.log().all[-1]["content"]["text"] == "session closed"
    assert recording.log().of("prompt") == []


def test_nothing_of_ours_stays_when_a_connection_is_over(call, recording):
    recording()
    call(lambda connection: asked(connection, "Hi"))
    gc.collect()  # the SDK's connection holds itself
    recorder = hilt_autolog.runtime.control._state.call_starter.recorder
    assert recorder.open_activities == {}
    assert recorder.connections == {}


@pytest.mark.parametrize("content", ["hash", "none"])
def test_content_that_is_withheld(call, recording, content):
    async def program(connection):
        await settled(connection.session.update(session={"type": "realtime", "instructions": "a secret"}))
        await asked(connection, "a secret", output_modalities=["audio"])

    recording(content=content)
    call(program)
    assert recording.log().actions.count("completion") == 1
    assert "secret" not in recording.path.read_text()
    assert "noon" not in recording.path.read_text()


def test_a_named_conversation(call, recording):
    async def program(connection):
        with hilt_autolog.conversation("ticket-42"):
            await asked(connection, "Hi")

    recording()
    call(program)
    prompt = recording.log().of("prompt")[0]
    assert prompt["extensions"]["conversation"] == "ticket-42"
