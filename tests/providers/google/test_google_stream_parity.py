"""A stream of Google's SDKs that is observed behaves as one that is not; see `support.parity`."""

from __future__ import annotations

import copy
import gc
import json

import pytest

from tests.providers.google.test_interactions import ASK as ASK_INTERACTION
from tests.providers.google.test_interactions import Pieces, events
from tests.support.calling import KINDS, agree, each, outcome, run_sync, settled
from tests.support.gemini import ASK, HTTP, closed, made
from tests.support.generativeai import genai as older
from tests.support.generativeai import over_grpc, over_rest, served, take_async_client
from tests.support.parity import CHECKS, checked, portrait, spelled

TEXTS = ("Hel", "lo", ", ", "you", "!")


def chunk(text):
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]}


def sse(items):
    return [f"data: {json.dumps(item)}\n\n".encode() for item in items]


class Counting(Pieces):
    """A body in pieces that notes when it is closed, and breaks where a piece is a function that does."""

    def __init__(self, pieces, closings):
        super().__init__(pieces)
        self.closings = closings

    def __iter__(self):
        for piece in self.pieces:
            yield piece if isinstance(piece, bytes) else piece()

    async def __aiter__(self):
        for piece in iter(self):
            yield piece

    def close(self):
        self.closings.append("closed")

    async def aclose(self):
        self.closings.append("closed")


# --- google-genai: how a stream is opened, given a client of either kind


async def stream(client):
    return await settled(client.models.generate_content_stream(**ASK))


async def chat_stream(client):
    chat = client.chats.create(model=ASK["model"])
    return await settled(chat.send_message_stream("Hello"))


async def interaction(client):
    return await settled(client.interactions.create(**ASK_INTERACTION, stream=True))


async def interaction_got(client):
    return await settled(client.interactions.get("int_1", stream=True))


async def interaction_raw(client):
    raw = await settled(client.interactions.with_raw_response.create(**ASK_INTERACTION, stream=True))
    return await settled(raw.parse())


async def interaction_streaming(client):
    manager = client.interactions.with_streaming_response.create(**ASK_INTERACTION, stream=True)
    enter = manager.__aenter__ if hasattr(manager, "__aenter__") else manager.__enter__
    return await settled((await settled(enter())).parse())


CONTENT = {"stream": stream, "chat stream": chat_stream}
INTERACTIONS = {
    "interaction": interaction,
    "interaction got": interaction_got,
    "interaction raw": interaction_raw,
    "interaction streaming": interaction_streaming,
}
WAYS = CONTENT | INTERACTIONS


def pieces_of(way):
    return sse(map(chunk, TEXTS)) if way in CONTENT else [*sse(events()), b"data: [DONE]\n\n"]


class Wire:
    """What a client's requests are answered with, anew for each test."""

    def serve(self, pieces):
        """Answer with streams of these pieces."""
        self.pieces, self.closings = pieces, []

    def __call__(self, _request):
        stream = Counting(self.pieces, self.closings)
        return HTTP.Response(200, stream=stream, headers={"content-type": "text/event-stream"})


@pytest.fixture(scope="module")
def wired(runner, frozen):
    """A wire and its client, for which the SDK has imported what it imports when it is first used."""
    wire = Wire()
    client = made(transport=wire)
    for way in (stream, interaction):
        wire.serve(pieces_of(way.__name__))
        run_sync(way(client))
    gc.freeze()
    yield wire, client
    runner.run(closed(client))


@pytest.fixture
def compare(runner, recording, wired):
    """Check a stream of google-genai without us and with us; returns the log."""
    wire, client = wired

    def compared(kind, way, check, pieces):
        async def opened():
            return await WAYS[way](client if kind == "sync" else client.aio)

        def once():
            wire.serve(pieces)
            run = run_sync if kind == "sync" else runner.run
            return outcome(run, checked, check, opened), wire.closings

        alone = once()
        recording()
        watched = once()
        agree(alone[0], watched[0])
        assert watched[1] == alone[1]
        return recording.log()

    return compared


FULLY = ("stream", "chat stream", "interaction")  # the others differ from these in how they are opened
CHECKED = [(way, check) for way in WAYS for check in CHECKS if way in FULLY or check in ("looks", "drop")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("way", "check"), CHECKED)
def test_a_stream_is_the_same(compare, kind, way, check):
    log = compare(kind, way, CHECKS[check], pieces_of(way))
    if way != "interaction got":  # which asks nothing
        assert len(log.of("prompt")) == len(log.of("completion"))


def gone():
    raise HTTP.ReadError("gone")


BROKEN = {"code": 500, "message": "Something broke", "status": "INTERNAL"}
BREAKS = {
    "connection": gone,
    "error": sse([{"error": BROKEN, "event_type": "error"}])[0],
    "no JSON": b"data: {]\n\n",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("broken", BREAKS)
def test_a_stream_that_breaks_is_the_same(compare, kind, way, broken):
    """The exception, its traceback but for two frames of ours, and what may follow."""
    pieces = [*pieces_of(way)[:4], BREAKS[broken], *pieces_of(way)[4:]]
    log = compare(kind, way, CHECKS["steps"], pieces)
    ended = log.events[-1]  # what is no JSON is passed over in interactions
    assert ended["action"] == "system" or "partial" not in ended["extensions"]


# --- google-generativeai


MODEL = "gemini-2.5-flash"
ASKED = ("Count to 5",)


async def answer(model=MODEL):
    return older.GenerativeModel(model).generate_content(*ASKED, stream=True)


async def async_answer(model=MODEL):
    return await older.GenerativeModel(model).generate_content_async(*ASKED, stream=True)


async def chat_answer():
    return older.GenerativeModel(MODEL).start_chat().send_message(*ASKED, stream=True)


async def async_chat_answer():
    return await older.GenerativeModel(MODEL).start_chat().send_message_async(*ASKED, stream=True)


async def resolves(open_, seen):
    """The answer is whole when it is resolved; before, there is an exception."""
    answer = await open_()
    seen.append(spelled(answer))
    with pytest.raises(older.types.IncompleteIterationError):
        _ = answer.text
    seen += [await settled(answer.resolve()) for _ in range(2)]
    seen += [answer.text, spelled(answer), portrait(answer)]
    seen += [item.text async for item in each(answer)]


async def tells_texts(open_, seen):
    answer = await open_()
    seen += [item.text async for item in each(answer)]
    seen += [answer.text, answer.candidates, answer.usage_metadata, answer.to_dict()["model_version"]]


async def looks_within(open_, seen):
    """What the answer holds is the generated client's own iterator, or looks like it.

    Nothing holds that iterator in which it could be watched, so it is stood in for; and what Python reads off
    the type of an object, no other type can answer.
    """
    answer = await open_()
    for inner in (answer._iterator, answer._iterator.__iter__() if hasattr(answer, "__iter__") else None):
        told = portrait(inner)
        told["called"], told["type"] = told["called"][:2], None  # without __module__ and __doc__
        seen.append(told)


OF_ANSWERS = CHECKS | {"resolve": resolves, "text": tells_texts, "within": looks_within}


@pytest.fixture(scope="module")
def address():
    with served() as address:
        yield address


def checked_over_grpc(runner, address, check, opened):
    """The outcome of a check in an event loop, where the SDK is asynchronous."""

    async def checking(seen):
        channel = take_async_client(address)
        await checked(check, opened, seen)
        await channel.close()

    return outcome(runner.run, checking)


@pytest.fixture(params=["rest", "grpc"])
def transport(request, provider, address):
    """How the SDK speaks: the test runs once for each way."""
    with over_rest(provider.url) if request.param == "rest" else over_grpc(address):
        yield request.param


@pytest.mark.parametrize("way", [answer, chat_answer])
@pytest.mark.parametrize("check", OF_ANSWERS)
@pytest.mark.usefixtures("frozen", "transport")
def test_an_older_stream_is_the_same(recording, way, check):
    alone = outcome(run_sync, checked, OF_ANSWERS[check], way)
    recording()
    agree(alone, outcome(run_sync, checked, OF_ANSWERS[check], way))
    log = recording.log()
    assert len(log.of("prompt")) == len(log.of("completion")) > 0


@pytest.mark.parametrize("way", [async_answer, async_chat_answer])
@pytest.mark.parametrize("check", OF_ANSWERS)
@pytest.mark.usefixtures("frozen")
def test_an_older_asynchronous_stream_is_the_same(runner, address, recording, way, check):
    alone = checked_over_grpc(runner, address, OF_ANSWERS[check], way)
    recording()
    agree(alone, checked_over_grpc(runner, address, OF_ANSWERS[check], way))
    log = recording.log()
    assert len(log.of("prompt")) == len(log.of("completion")) > 0


@pytest.mark.parametrize("way", [answer, async_answer])
@pytest.mark.usefixtures("frozen")
def test_an_older_stream_that_breaks_is_the_same(runner, address, recording, way):
    async def opened():
        return await way("fail-error")

    with over_grpc(address):
        alone = checked_over_grpc(runner, address, CHECKS["loops"], opened)
        recording()
        agree(alone, checked_over_grpc(runner, address, CHECKS["loops"], opened))
    assert recording.log().actions[-2:] == ["completion", "system"]


def test_a_copy_of_a_stream_proxy_ends_nothing(address, recording):
    with over_grpc(address), recording():
        stream = older.GenerativeModel(MODEL).generate_content(*ASKED, stream=True)._iterator
        twin = copy.copy(stream)
        assert type(twin).__module__ == "google.api_core.grpc_helpers"
        del twin
        gc.collect()
        texts = [item.candidates[0].content.parts[0].text for item in stream]
    assert "".join(texts) == " 2 3 4 5"  # the SDK has taken the first
    assert recording.log().of("completion")[0]["content"]["text"] == "1 2 3 4 5"
