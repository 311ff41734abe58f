"""What the conformance tests share: every way to make a call, and what a log and a program have of it.

Each way is written once for both kinds of client: what an async client returns is awaited, what a sync
client returns is the value itself, and `run_sync` runs such a coroutine without an event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import json
import re
from operator import attrgetter
from types import SimpleNamespace
from typing import NamedTuple

from offline.wire import STARTED
from pydantic import BaseModel

import hilt_autolog
from hilt_autolog.event import Event
from tests.support.sdks import OPENAI, sdk_of

HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."
KINDS = ("sync", "async")
MADE_HERE = re.compile(rf"{STARTED}[0-9a-f]{{8}}")
HERE = re.compile(r"127\.0\.0\.1:\d+")
MOMENT = re.compile(r'(created|_at)(\\?": ?)[0-9.]+')


class Person(BaseModel):
    """What `parse` is asked for."""

    name: str


# --- one text for sync and async clients


async def settled(value):
    return await value if inspect.isawaitable(value) else value


def run_sync(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a sync client made us wait")


@contextlib.asynccontextmanager
async def entered(manager):
    if hasattr(manager, "__aenter__"):
        async with manager as inside:
            yield inside
    else:
        with manager as inside:
            yield inside


async def each(items):
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


async def some(items, count):
    """The first items, and then no more: a loop that is left by `break`."""
    taken = []
    async with contextlib.aclosing(each(items)) as passing:
        async for item in passing:
            taken.append(item)
            if len(taken) == count:
                break
    return taken


async def collected(rounds=30):
    """Let the garbage collector and the event loop end what nobody holds any more."""
    gc.collect()
    if asyncio._get_running_loop() is not None:
        for _ in range(rounds):  # generators within generators: each is closed by a task of its own
            await asyncio.sleep(0)
            gc.collect()


# --- the functions of a resource, as a program takes them


def functions(client, call, path=None):
    """The bound functions behind a call (`chat.completions.create`); those that do not exist are None.

    Its path is made out of its name, unless it is given.
    """
    resource, _, name = call.rpartition(".")
    holder = attrgetter(resource)(client)
    raw, streaming = holder.with_raw_response, holder.with_streaming_response
    return SimpleNamespace(
        client=client,
        path=path or f"{sdk_of(client).path}/" + resource.removeprefix("beta.").replace(".", "/"),
        create=getattr(holder, name),
        raw=getattr(raw, name),
        streaming=getattr(streaming, name),
        stream=getattr(holder, "stream", None),
        parse=getattr(holder, "parse", None),
        raw_parse=getattr(raw, "parse", None),
    )


# --- what a program sees


def spelled(value):
    """A value with its type, as text that does not change from one run to the next."""
    shown = value.model_dump(warnings=False) if isinstance(value, BaseModel) else value
    text = json.dumps(shown, default=lambda other: getattr(other, "content", other).decode("latin-1"))
    steady = MOMENT.sub(r"\1\2 0", MADE_HERE.sub("#", text))
    return f"{type(value).__qualname__} {steady}"


class Raised(NamedTuple):
    """The exception that ended a program."""

    error: type
    text: str
    body: str


def outcome(run, doing, *args):
    """What a program sees of a call, and how many frames the exception that ends it has passed."""
    seen, depth = [], 0
    try:
        run(doing(*args, seen))
    except (Exception, asyncio.CancelledError) as error:
        body = MADE_HERE.sub("#", repr(getattr(error, "body", None)))
        seen.append(Raised(type(error), str(error), body))
        frame = error.__traceback__
        while frame := frame.tb_next:
            depth += 1
    return seen, depth


def agree(alone, watched):
    """The same outcome with us as without us, by a traceback that is at most two frames longer."""
    assert watched[0] == alone[0]
    assert alone[1] <= watched[1] <= alone[1] + 2


# --- what a log has


class Log:
    """A log, read back; each line is held to the format."""

    def __init__(self, path):
        lines = path.read_bytes().splitlines() if path.exists() else []
        for line in lines:
            assert Event.from_json(line).to_dict() == json.loads(line)
        self.read = hilt_autolog.read(path) if lines else []
        self.all = list(self.read)
        ids = [event["event_id"] for event in self.all]
        assert len(set(ids)) == len(ids)
        for event in self.all:  # hilt-python looks for it among the extensions
            took = event.get("metrics", {}).get("latency_ms")
            assert event.get("extensions", {}).get("latency_ms") == took
        self.events = [event for event in self.all if event["actor"]["id"] != "hilt-autolog"]
        self.actions = [event["action"] for event in self.events]

    def of(self, *actions):
        return [event for event in self.events if event["action"] in actions]

    def normalized(self):
        """The events without what changes from run to run: ids become numbers, times are left out."""
        numbers = {event["event_id"]: number for number, event in enumerate(self.events)}
        sessions = list(dict.fromkeys(event["session_id"] for event in self.events))
        return [_normalized(event, numbers, sessions.index(event["session_id"])) for event in self.events]


def _normalized(event, numbers, session):
    event = json.loads(HERE.sub("127.0.0.1", MADE_HERE.sub("#", json.dumps(event))))
    del event["hilt_version"], event["event_id"], event["timestamp"]
    event["session_id"] = session
    extensions, metrics = event.get("extensions", {}), event.get("metrics", {})
    if "reply_to" in extensions:
        extensions["reply_to"] = numbers[extensions["reply_to"]]
    extensions.pop("latency_ms", None)
    for name in ("latency_ms", "ttft_ms"):
        assert 0 <= metrics.pop(name, 0) < 60_000
    if "cost_usd" in metrics:
        metrics["cost_usd"] = metrics["cost_usd"] > 0
    return event


def joined(chunks):
    return "".join(chunk["content"]["text"] for chunk in chunks)


SDK = OPENAI.label
