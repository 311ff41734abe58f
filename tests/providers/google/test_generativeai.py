"""google-generativeai over REST and over gRPC: the program sees what it sees without us."""

from __future__ import annotations

import gc

import pytest

from tests.support.calling import HELLO, MADE_HERE, agree, collected, outcome, run_sync
from tests.support.gemini import PIECES, chunks, get_weather
from tests.support.generativeai import (
    SDK,
    default_client,
    genai,
    over_grpc,
    over_rest,
    served,
    take_async_client,
    wire,
)

MODEL = "gemini-2.5-flash"


@pytest.fixture(scope="module")
def address():
    with served() as address:
        yield address


@pytest.fixture(params=["rest", "grpc"])
def transport(request, provider, address):
    """How the SDK speaks: the test runs once for each way."""
    with over_rest(provider.url) if request.param == "rest" else over_grpc(address):
        yield request.param


@pytest.fixture
def compare(recording, runner, address):
    """Do the same without us and with us, and hold what the program sees together; returns the log."""

    def run(coroutine):
        async def within():
            channel = take_async_client(address)
            await coroutine
            await channel.close()

        return runner.run(within())

    def compared(doing, *arguments, is_async=False):
        alone = outcome(run if is_async else run_sync, doing, *arguments)
        recording()
        agree(alone, outcome(run if is_async else run_sync, doing, *arguments))
        log = recording.log()
        log.seen = alone[0]
        return log

    return compared


def spelled(answer):
    return f"{type(answer).__qualname__} {MADE_HERE.sub('#', repr(answer))}"


async def plain(model, text, seen):
    seen.append(spelled(genai.GenerativeModel(model).generate_content(text)))


async def stream(model, text, seen):
    answer = genai.GenerativeModel(model).generate_content(text, stream=True)
    seen += [spelled(chunk) for chunk in answer]
    seen += [spelled(chunk) for chunk in answer]  # they are kept, and given again
    seen.append(answer.text)


async def async_plain(model, text, seen):
    seen.append(spelled(await genai.GenerativeModel(model).generate_content_async(text)))


async def async_stream(model, text, seen):
    answer = await genai.GenerativeModel(model).generate_content_async(text, stream=True)
    seen += [spelled(chunk) async for chunk in answer]
    seen.append(answer.text)


def is_async(way):
    return way in (async_plain, async_stream)


def check(events, transport, *, ended=None):
    """The events of a call that is asked `Hello`."""
    prompt, *said, answer = events
    assert prompt["content"] == {"text": "Hello"}
    assert prompt["provenance"]["provider"] == "gemini"
    assert prompt["provenance"]["operation"] == "generateContent"
    assert prompt["provenance"]["sdk"] == SDK
    assert said == chunks([event["content"]["text"] for event in said])
    heard = "".join(event["content"]["text"] for event in said) if said else HELLO
    assert answer["content"] == {"text": heard}
    assert answer["extensions"].get("status_code") == (200 if transport == "rest" else None)
    if ended is None:
        assert heard == HELLO
        assert answer["metrics"]["tokens"] == {"prompt": 3, "completion": 17, "total": 20}
        assert answer["extensions"]["finish_reason"] == "STOP"
        assert answer["provenance"]["model"] == MODEL
    else:
        assert (answer["extensions"]["partial"], answer["extensions"]["ended"]) == (True, ended)


@pytest.mark.parametrize("way", [plain, stream])
def test_ways_of_calling(compare, transport, way):
    log = compare(way, MODEL, "Hello")
    check(log.normalized(), transport)
    assert len(log.of("completion_chunk")) == (len(PIECES) if way is stream else 0)


@pytest.mark.parametrize("way", [async_plain, async_stream])
def test_asynchronous_ways_of_calling(compare, way):
    log = compare(way, MODEL, "Hello", is_async=True)
    check(log.normalized(), "grpc")
    assert len(log.of("completion_chunk")) == (len(PIECES) if way is async_stream else 0)


@pytest.mark.parametrize("way", [plain, stream, async_plain, async_stream])
def test_a_call_fails_over_grpc(compare, address, way):
    with over_grpc(address):
        log = compare(way, "fail-429", "Hello", is_async=is_async(way))
    asked, failed = log.normalized()
    assert asked["action"] == "prompt"
    assert failed["content"] == {"text": "Too much"}
    assert failed["extensions"] == {
        "reply_to": 0,
        "model": "fail-429",
        "error_type": "ResourceExhausted",
        "error_code": "RESOURCE_EXHAUSTED",
    }


@pytest.mark.parametrize("way", [plain, stream])
def test_a_call_fails_over_rest(compare, provider, way):
    with over_rest(provider.url):
        log = compare(way, "fail-429", "Hello")
    _, failed = log.normalized()
    assert failed["extensions"]["status_code"] == 429
    assert failed["extensions"]["error_code"] in ("rate_limit", "RESOURCE_EXHAUSTED")
    assert failed["extensions"]["error_type"] == log.seen[-1].error.__name__


@pytest.mark.parametrize("way", [stream, async_stream])
def test_a_stream_breaks(compare, address, way):
    with over_grpc(address):
        log = compare(way, "fail-error", "Hello", is_async=is_async(way))
    assert log.actions[-2:] == ["completion", "system"]
    partial, failed = log.events[-2:]
    assert partial["extensions"]["ended"] == "error"
    assert failed["extensions"]["error_type"] == log.seen[-1].error.__name__ == "InternalServerError"


def left(_model, text, seen):
    return _left(text, seen)


async def _left(text, seen):
    answer = genai.GenerativeModel(MODEL).generate_content(text, stream=True)
    for chunk in answer:
        seen.append(spelled(chunk))
        if len(seen) == 5:
            break
    del answer, chunk
    gc.collect()


async def async_left(_model, text, seen):
    answer = await genai.GenerativeModel(MODEL).generate_content_async(text, stream=True)
    async for chunk in answer:
        seen.append(spelled(chunk))
        if len(seen) == 5:
            break
    del answer, chunk
    await collected()


@pytest.mark.usefixtures("frozen")
def test_a_stream_is_left(compare, transport):
    log = compare(left, MODEL, "Hello")
    check(log.normalized(), transport, ended="dropped")


@pytest.mark.usefixtures("frozen")
def test_an_asynchronous_stream_is_left(compare):
    log = compare(async_left, MODEL, "Hello", is_async=True)
    check(log.normalized(), "grpc", ended="closed")


async def chat(model, text, seen):
    session = genai.GenerativeModel(model, tools=[get_weather]).start_chat(
        enable_automatic_function_calling=True
    )
    for one in (text, "How is the weather in Rome?", "Count to 3"):
        seen.append(spelled(session.send_message(one)))
    seen.append(MADE_HERE.sub("#", repr(session.history)))


def test_a_chat_that_calls_a_function(compare, transport):
    log = compare(chat, MODEL, "Hello")
    assert log.actions == [
        *("prompt", "completion"),
        *("prompt", "completion", "tool_call", "tool_result", "prompt", "completion"),
        *("prompt", "completion"),
    ]
    assert len({event["session_id"] for event in log.events}) == 1
    (call,), (result,) = log.of("tool_call"), log.of("tool_result")
    assert call["content"] == {"text": '{"city": "Rome"}'}
    assert result["content"] == {"text": '{"result": "sunny in Rome"}'}
    assert result["extensions"] == {"reply_to": call["event_id"], "tool": "get_weather"}
    for event in log.of("prompt")[1:]:
        assert len(event["content"].get("messages", [1])) == 1


async def embed(model, text, seen):
    seen.append(genai.embed_content(model, text))


@pytest.mark.parametrize("text", ["one", ["one", "two"]])
def test_embeddings(compare, transport, text):
    log = compare(embed, "models/gemini-embedding-001", text)
    (event,) = log.normalized()
    assert event["action"] == "embedding"
    assert event["extensions"]["dimensions"] == 768
    assert event["extensions"]["inputs"] == (1 if isinstance(text, str) else 2)
    assert event["extensions"]["model"] == "gemini-embedding-001"


def test_protos_are_only_read(recording, address):
    parts = [wire.Part(text="Hello")]
    request = wire.GenerateContentRequest(
        model=f"models/{MODEL}", contents=[wire.Content(role="user", parts=parts)]
    )
    before = type(request).serialize(request)
    with over_grpc(address), recording():
        client = default_client()
        answer = client.generate_content(request)
        client.generate_content(model=request.model, contents=request.contents)
        client.generate_content({"model": request.model, "contents": request.contents})
        stream = client.stream_generate_content(request=request)
        assert stream.code.__self__ is not None
        texts = [one.candidates[0].content.parts[0].text for one in stream]
    assert type(request).serialize(request) == before
    assert answer.candidates[0].content.parts[0].text == "".join(texts) == HELLO
    assert [event["content"]["text"] for event in recording.log().of("prompt")] == ["Hello"] * 4
    assert [event["content"]["text"] for event in recording.log().of("completion")] == [HELLO] * 4
