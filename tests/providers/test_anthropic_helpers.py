"""What the SDK builds upon `messages`: each request of a loop is recorded once, in one conversation."""

from __future__ import annotations

import warnings

import anthropic
import pytest

from tests.support.anthropic_answers import ANTHROPIC, ASKED, client, message
from tests.support.calling import KINDS, each, run_sync, settled

QUESTION = {"role": "user", "content": "How is the weather in Paris?"}
RESULT = "18 degrees in Paris"
ANSWER = f"I asked, and this is what the tool returned: {RESULT}."
TOOL_TURN = ["prompt", "completion", "tool_call", "tool_result", "prompt", "completion"]


def weather(kind):
    """A tool as the SDK makes it out of a function."""
    tool = getattr(anthropic, "beta_tool" if kind == "sync" else "beta_async_tool", None)
    if tool is None:
        pytest.skip("this version of the SDK runs no tools")

    def get_weather(city: str) -> str:
        """Tell the weather.

        Args:
            city: where
        """
        return f"18 degrees in {city}"

    async def get_weather_later(city: str) -> str:
        return get_weather(city)

    if kind == "sync":
        return tool(get_weather)
    get_weather_later.__doc__ = get_weather.__doc__
    return tool(get_weather_later, name="get_weather")


@pytest.fixture(params=KINDS)
def mode(request, runner):
    """The kind of client, and how to run what it does."""
    return request.param, run_sync if request.param == "sync" else runner.run


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_tool_runner(recording, mode, is_streamed):
    kind, run = mode
    tool = weather(kind)
    arguments = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": [QUESTION], "tools": [tool]}

    async def program():
        claude = ANTHROPIC.offline(kind)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loop = claude.beta.messages.tool_runner(**arguments, stream=is_streamed)
            said = []
            async for turn in each(loop):
                last = await settled(turn.get_final_message()) if is_streamed else turn
                said.append(getattr(last.content[-1], "text", None))
        return said

    alone = run(program())
    recording()
    assert run(program()) == alone == [None, ANSWER]
    log = recording.log()
    assert [action for action in log.actions if action != "completion_chunk"] == TOOL_TURN
    assert len({event["session_id"] for event in log.events}) == 1
    [call], [result] = log.of("tool_call"), log.of("tool_result")
    assert (call["content"], result["content"]) == ({"text": '{"city": "Paris"}'}, {"text": RESULT})
    assert result["extensions"]["reply_to"] == call["event_id"]
    assert log.of("completion")[-1]["content"] == {"text": ANSWER}


def test_a_thread(recording, mode):
    kind, run = mode
    claude = ANTHROPIC.offline(kind)
    if not hasattr(claude.beta.messages, "thread"):
        pytest.skip("this version of the SDK has no threads")

    async def program():
        thread = claude.beta.messages.thread(model="claude-haiku-4-5", max_tokens=100)
        first = await settled(thread.send({"role": "user", "content": "Hello"}))
        second = await settled(thread.send({"role": "user", "content": "count to 3"}))
        return [first.content[0].text, second.content[0].text]

    alone = run(program())
    recording()
    assert run(program()) == alone
    log = recording.log()
    assert log.actions == ["prompt", "completion", "prompt", "completion"]
    assert len({event["session_id"] for event in log.events}) == 1
    first, second = log.of("prompt")
    assert second["content"] == {"text": "count to 3"}
    assert second["extensions"]["reply_to"] == log.of("completion")[0]["event_id"]
    assert first["session_id"] == second["session_id"]


def test_a_count_is_no_conversation(recording, mode):
    kind, run = mode
    recording()

    async def program():
        return await settled(ANTHROPIC.offline(kind).messages.count_tokens(model="m", messages=[QUESTION]))

    assert run(program()).input_tokens > 0
    assert recording.log().all == []


def test_a_text_completion(recording):
    answers = {
        "type": "completion",
        "id": "compl_1",
        "completion": " Hi",
        "stop_reason": "stop_sequence",
        "model": "claude-2.1",
    }
    claude = ANTHROPIC.client_over(lambda request: ANTHROPIC.response(answers))
    if not hasattr(claude, "completions"):
        pytest.skip("this version of the SDK has no text completions")
    recording()
    claude.completions.create(model="claude-2.1", prompt="\n\nHuman: Hello", max_tokens_to_sample=9)
    prompt, end = recording.log().events
    assert prompt["content"] == {"text": "\n\nHuman: Hello"}
    assert end["content"] == {"text": " Hi"}
    assert end["extensions"]["finish_reason"] == "stop_sequence"
    assert end["provenance"]["response_id"] == "compl_1"


# --- what the SDK does besides


def test_requests_that_are_sent_again_are_one_call(recording):
    """Middleware sees every attempt, and we the call."""
    failed = ANTHROPIC.response({"type": "error", "error": {"type": "overloaded_error"}}, status=529)
    failed.headers["retry-after-ms"] = "1"
    attempts = []

    def middleware(request, call_next):
        attempts.append(request)
        return call_next(request)

    try:
        claude = client(failed, message({"type": "text", "text": "Hi"})).with_options(
            max_retries=1, middleware=[middleware]
        )
    except TypeError:
        pytest.skip("this version of the SDK has no middleware")
    recording()
    assert claude.messages.create(**ASKED).content[0].text == "Hi"
    assert len(attempts) == 2
    log = recording.log()
    assert log.actions == ["prompt", "completion"]
    assert log.of("completion")[0]["extensions"]["retries"] == 1


def test_spans_of_the_sdk_stay_as_they_are(recording):
    pytest.importorskip("anthropic._tracing", reason="this version of the SDK makes no spans")
    tracing = pytest.importorskip("opentelemetry.sdk.trace", reason="needs opentelemetry-sdk")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, traces = InMemorySpanExporter(), tracing.TracerProvider()
    traces.add_span_processor(SimpleSpanProcessor(exporter))

    def spans():
        exporter.clear()
        claude = ANTHROPIC.offline(open_telemetry={"tracer_provider": traces})
        claude.messages.create(**ASKED)
        list(claude.messages.create(**ASKED, stream=True))
        next(claude.messages.create(**ASKED, stream=True))
        with claude.messages.stream(**ASKED) as stream:
            stream.until_done()
        return [
            (span.name, span.status.status_code, sorted(span.attributes), len(span.events))
            for span in exporter.get_finished_spans()
        ]

    alone = spans()
    assert len(alone) == 4
    recording()
    assert spans() == alone
    assert len(recording.log().of("prompt")) == 4
