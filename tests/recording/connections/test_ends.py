"""How turns end that do not end well, and what becomes of those that are open when a connection ends."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.calling import each, settled
from tests.support.realtime import HI, OLD_WAY, asked, said, turns, until

pytestmark = OLD_WAY


async def begun(connection, words="wait"):
    """Ask for something whose answer does not come to its end; receive its first word."""
    await settled(connection.conversation.item.create(item=said(words)))
    await settled(connection.response.create())
    return await until(connection, "response.output_text.delta")


def ends(log):
    """Each end of a turn: the text, how it was cut, the error's code."""
    found = []
    for event in turns(log):
        extensions = event["extensions"]
        if event["action"] == "completion":
            found.append((event.get("content", {}).get("text"), extensions.get("ended")))
        elif event["action"] == "system":
            found.append((event["content"]["text"], extensions.get("error_code")))
    return found


def test_cancelled(call, recording):
    async def program(connection):
        await begun(connection)
        await settled(connection.response.cancel())
        await until(connection)
        await asked(connection, "Next")

    recording()
    call(program)
    log = recording.log()
    assert ends(log) == [("You", "cancelled"), ("You said: Next", None)]
    first = log.of("completion")[0]
    assert first["extensions"]["finish_reason"] == "cancelled"
    assert first["extensions"]["partial"] is True
    assert log.of("prompt")[1]["extensions"]["reply_to"] == first["event_id"]


def test_failed(call, recording):
    recording()
    call(lambda connection: asked(connection, "fail"))
    log = recording.log()
    assert ends(log) == [("Too much", "overloaded")]
    assert [event["action"] for event in turns(log)] == ["prompt", "system"]


@pytest.mark.parametrize("named", [{}, {"event_id": "event_mine"}])
def test_refused(call, recording, named):
    """The server names the event that an error is about, if that had a name."""

    async def program(connection):
        await settled(connection.conversation.item.create(item=HI))
        await settled(connection.response.create(response={"tool_choice": "wrong"}, **named))
        await until(connection, "error")
        await asked(connection, "Next")

    recording()
    call(program)
    log = recording.log()
    assert ends(log) == [("No such tool", "invalid_value"), ("You said: Next", None)]
    assert [event["action"] for event in turns(log)] == ["prompt", "system", "prompt", "completion"]


def test_an_error_that_is_about_no_turn(call, recording):
    async def program(connection):
        await settled(connection.conversation.item.create(item=HI))
        await settled(connection.session.update(session={"type": "realtime", "voice": "nobody"}))
        await settled(connection.response.create())
        await until(connection)

    recording()
    call(program)
    log = recording.log()
    assert ends(log) == [("No such voice", "api_error"), ("You said: Hi", None)]
    error = next(event for event in log.of("system") if event["content"]["text"] == "No such voice")
    assert "reply_to" not in error["extensions"]
    assert error["session_id"] == log.of("prompt")[0]["session_id"]


def test_the_server_closes_in_the_middle(call, recording):
    async def program(connection):
        await begun(connection, "cut")
        with pytest.raises(ConnectionClosed):
            await settled(connection.recv())

    recording()
    call(program)
    log = recording.log()
    assert ends(log) == [("You", "closed")]
    assert log.events[-1]["content"]["text"] == "connection closed"
    assert log.events[-1]["extensions"]["ended"] == "closed"


def test_the_connection_breaks_in_the_middle(call, recording):
    async def program(connection):
        await begun(connection, "break")
        with pytest.raises(ConnectionClosed) as caught:
            await settled(connection.recv())
        return str(caught.value)

    recording()
    text = call(program)
    log = recording.log()
    assert ends(log) == [("You", "error"), (text, "connection")]
    assert turns(log)[-1]["extensions"]["error_type"] == "ConnectionClosedError"
    assert log.events[-1]["extensions"]["ended"] == "error"


def test_the_program_closes_in_the_middle(call, recording):
    recording()
    call(begun)
    log = recording.log()
    assert ends(log) == [("You", "closed")]
    assert [event["content"]["text"] for event in log.events].count("connection closed") == 1


def test_the_program_loses_its_connection(sync_call, recording):
    async def program():
        connection = sync_call.open().enter()
        await begun(connection)
        return connection._connection  # the socket, which the test closes

    recording()
    socket = sync_call.run(program())
    gc.collect()
    socket.close()
    assert ends(recording.log()) == [("You", "dropped")]


def test_the_recording_ends_in_the_middle(call, recording):
    async def program(connection):
        with recording():
            await begun(connection)
        await settled(connection.response.cancel())
        return (await until(connection)).response.status

    assert call(program) == "cancelled"
    log = recording.log()
    assert ends(log) == [("You", "exit")]
    assert log.events[-1]["extensions"]["ended"] == "exit"


def test_the_process_ends_in_the_middle(server, recording):
    program = f"""if True:
        import openai, hilt_autolog
        hilt_autolog.enable(path={str(recording.path)!r})
        client = openai.OpenAI(api_key="x", websocket_base_url={server.url!r})
        connection = client.realtime.connect(model="m").enter()
        connection.conversation.item.create(item={said("wait")!r})
        connection.response.create()
        while connection.recv().type != "response.output_text.delta":
            pass
        raise SystemExit(3)
    """
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=30).returncode == 3
    assert ends(recording.log()) == [("You", "exit")]


def test_a_connection_that_is_opened_anew(call, recording):
    async def program():
        options = {"on_reconnecting": lambda _event: None, "initial_delay": 0.01}
        try:
            manager = call.client().realtime.connect(model="m", **options)
        except TypeError:
            pytest.skip("this openai does not connect again")
        connection = await settled(manager.enter())
        await begun(connection, "restart")
        async for event in each(connection):
            if event.type == "session.created":
                break
        await asked(connection, "Next")
        await settled(connection.close())

    recording()
    call.run(program())
    log = recording.log()
    assert [end[0] for end in ends(log)][0::2] == ["You", "You said: Next"]
    assert ends(log)[0] == ("You", "error")
    texts = [event["content"]["text"] for event in log.of("system")]
    assert texts.count("session opened") == texts.count("connection closed") == 2
    assert len({event["session_id"] for event in log.events}) == 1


def test_what_cannot_be_sent(call, recording):
    async def program(connection):
        await settled(connection.close())
        with pytest.raises(ConnectionClosed):
            await settled(connection.response.create())

    recording()
    call(program)
    log = recording.log()
    assert [event["action"] for event in turns(log)] == ["prompt", "system"]
    assert turns(log)[-1]["extensions"]["error_code"] == "connection"


def test_a_receiver_that_is_cancelled(call, recording):
    """Cancelling a wait ends no turn: the SDK says that nothing is lost by it."""
    if call.kind == "sync":
        pytest.skip("a thread cannot be cancelled")

    async def program(connection):
        await begun(connection)
        waiting = asyncio.create_task(connection.recv())
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await connection.response.cancel()
        await until(connection)

    recording()
    call(program)
    assert ends(recording.log()) == [("You", "cancelled")]


def test_two_connections_at_once(call, recording):
    async def program(one):
        async def beside(other):
            await settled(one.conversation.item.create(item=said("One")))
            await settled(other.conversation.item.create(item=said("Other")))
            await settled(one.response.create())
            await settled(other.response.create())
            await until(other)
            await until(one)

        manager = call.open()
        connection = await settled(manager.enter())
        await beside(connection)
        await settled(connection.close())

    recording()
    call(program)
    log = recording.log()
    prompts, completions = log.of("prompt"), log.of("completion")
    assert {event["session_id"] for event in prompts} == {event["session_id"] for event in completions}
    assert len({event["session_id"] for event in prompts}) == 2
    for completion in completions:
        [prompt] = [one for one in prompts if one["event_id"] == completion["extensions"]["reply_to"]]
        assert completion["content"]["text"] == f"You said: {prompt['content']['text']}"
        assert prompt["session_id"] == completion["session_id"]
