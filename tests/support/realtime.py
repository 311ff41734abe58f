"""What the tests of websockets share: programs that talk over a connection, and how they are run.

A program is written once for both kinds of client, as in `tests.support.calling`.
"""

from __future__ import annotations

from copy import deepcopy
from importlib import import_module

import openai
import pytest

from tests.support.calling import entered, run_sync, settled

# openai 3 opens its connections in a way that websockets 17 will not have for ever.
OLD_WAY = pytest.mark.filterwarnings("ignore:connect.. must be used as a context manager:DeprecationWarning")
HI = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
MODEL = "gpt-realtime"

RESPONSES = import_module("openai.resources.responses.responses")
has_responses = pytest.mark.skipif(
    not hasattr(RESPONSES.Responses, "connect"), reason="this openai has no such connection"
)


class Caller:
    """Makes clients of one kind, and runs programs over their connections."""

    def __init__(self, kind, server, runner):
        self.kind, self.server = kind, server
        self.run = run_sync if kind == "sync" else runner.run

    def client(self):
        make = openai.OpenAI if self.kind == "sync" else openai.AsyncOpenAI
        return make(api_key="x", websocket_base_url=self.server.url)

    def open(self, resource="realtime"):
        if resource == "realtime":
            return self.client().realtime.connect(model=MODEL)
        return self.client().responses.connect()

    def __call__(self, program, resource="realtime"):
        """Connect, run the program to its end, and close; return what it returns."""

        async def connected():
            async with entered(self.open(resource)) as connection:
                return await program(connection)

        return self.run(connected())


def said(text):
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


async def until(connection, kind="response.done"):
    """Receive until an event of this type, and return it."""
    while True:
        event = await settled(connection.recv())
        if event.type == kind:
            return event


async def asked(connection, words, **response):
    """Say something, and receive the response to it."""
    await settled(connection.conversation.item.create(item=said(words)))
    await settled(connection.response.create(**({"response": response} if response else {})))
    return await until(connection)


async def answered(connection, words, **parameters):
    """Ask over a connection of the Responses API, and receive the answer."""
    await settled(connection.response.create(model="gpt-5", input=words, **parameters))
    return (await until(connection, "response.completed")).response


def turns(log):
    """The events of turns, without those of the session and of chunks."""
    beside = ("session opened", "session updated", "connection closed")
    events = [event for event in log.normalized() if event["action"] != "completion_chunk"]
    return [event for event in events if event.get("content", {}).get("text") not in beside]


ODD = [None, 7, "odd", [], {}, [None], {"type": None}]


def spoiled(event):
    """The event with each of its fields, at any depth, taken away, or replaced by something odd."""

    def places(value, path=()):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for name, one in entries:
            yield (*path, name)
            if isinstance(one, dict | list):
                yield from places(one, (*path, name))

    for path in places(event):
        for odd in ["absent", *ODD]:
            copy = deepcopy(event)
            holder = copy
            for name in path[:-1]:
                holder = holder[name]
            if odd == "absent":
                del holder[path[-1]]
            else:
                holder[path[-1]] = odd
            yield copy
