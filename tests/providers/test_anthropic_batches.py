"""Batches: each request is a prompt, and each result ends one, today or in another process."""

from __future__ import annotations

import json

import anthropic
import pytest

from tests.support.calling import KINDS, each, run_sync, settled
from tests.support.in_process import IN_PROCESS

ANTHROPIC = IN_PROCESS["anthropic"]
BATCH = {
    "id": "msgbatch_1",
    "type": "message_batch",
    "processing_status": "ended",
    "request_counts": {"processing": 0, "succeeded": 1, "errored": 1, "canceled": 1, "expired": 1},
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-01-02T00:00:00Z",
    "results_url": "https://api.example.com/v1/messages/batches/msgbatch_1/results",
}
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5-20251001",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2, "service_tier": "batch"},
}
REFUSED = {"type": "error", "error": {"type": "invalid_request_error", "message": "No such model"}}
RESULTS = [
    {"custom_id": "a", "result": {"type": "succeeded", "message": ANSWER}},
    {"custom_id": "b", "result": {"type": "errored", "error": REFUSED}},
    {"custom_id": "c", "result": {"type": "canceled"}},
    {"custom_id": "d", "result": {"type": "expired"}},
]
PARAMS = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
REQUESTS = [{"custom_id": name, "params": PARAMS} for name in "abcd"]


def answer(request):
    if request.url.path.endswith("/results"):
        lines = [json.dumps(result).encode() + b"\n" for result in RESULTS]
        return ANTHROPIC.response(lines, "application/x-jsonl")
    return ANTHROPIC.response(BATCH)


@pytest.fixture(params=["messages", "beta.messages"])
def batches(request):
    """The batches of a client, stable or beta."""

    def of(kind):
        client = ANTHROPIC.client_over(answer, kind)
        return (client.beta if request.param == "beta.messages" else client).messages.batches

    return of


def run(kind, runner, program):
    return (run_sync if kind == "sync" else runner.run)(program)


def ended(event):
    extensions = event["extensions"]
    return event["action"], extensions.get("custom_id"), extensions.get("error_code")


ENDED = [
    ("completion", "a", None),
    ("system", "b", "invalid_request_error"),
    ("system", "c", "cancelled"),
    ("system", "d", "expired"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_from_its_requests_to_its_results(recording, runner, batches, kind):
    async def program():
        it = batches(kind)
        batch = await settled(it.create(requests=REQUESTS))
        return [item.custom_id async for item in each(await settled(it.results(batch.id)))]

    alone = run(kind, runner, program())
    recording()
    assert run(kind, runner, program()) == alone == ["a", "b", "c", "d"]
    log = recording.log()
    prompts, ends = log.events[:4], log.events[5:]
    assert [ended(event) for event in prompts] == [("prompt", name, None) for name in "abcd"]
    assert [event["content"] for event in prompts] == [{"text": "Hello"}] * 4
    assert len({event["session_id"] for event in prompts}) == 4
    accepted = log.events[4]
    assert accepted["content"] == {"text": "batch accepted"}
    told = {"status_code": 200, "batch": "msgbatch_1", "requests": 4}
    assert accepted["extensions"] == told | accepted["metrics"]
    assert [ended(event) for event in ends] == ENDED
    assert [event["extensions"]["reply_to"] for event in ends] == [event["event_id"] for event in prompts]
    assert {event["extensions"]["batch"] for event in ends} == {"msgbatch_1"}
    assert ends[0]["content"] == {"text": "Hi"}
    assert ends[0]["metrics"]["tokens"] == {"prompt": 3, "completion": 2, "total": 5}
    assert ends[0]["metrics"]["cost_usd"] == pytest.approx(6.5e-6)  # half of what a call costs
    assert ends[1]["content"] == {"text": "No such model"}


def test_results_in_another_process_say_what_they_answer(recording, batches):
    recording()
    assert len(list(batches("sync").results("msgbatch_1"))) == 4
    log = recording.log()
    assert [ended(event) for event in log.events] == ENDED
    assert all(event["extensions"]["batch"] == "msgbatch_1" for event in log.events)
    assert not any("reply_to" in event["extensions"] for event in log.events)


def test_results_are_recorded_once(recording, batches):
    recording()
    it = batches("sync")
    it.create(requests=REQUESTS)
    for _ in range(2):
        list(it.results("msgbatch_1"))
    assert len(recording.log().events) == 9


def test_results_that_are_left(recording, batches):
    recording()
    it = batches("sync")
    it.create(requests=REQUESTS)
    results = it.results("msgbatch_1")
    assert next(results).custom_id == "a"
    del results
    assert [item.custom_id for item in it.results("msgbatch_1")] == ["a", "b", "c", "d"]
    assert [ended(event) for event in recording.log().events[5:]] == ENDED


def test_results_that_the_program_reads_by_itself(recording):
    recording()
    client = ANTHROPIC.client_over(answer)
    url = str(BATCH["results_url"]).replace("https://api.example.com", "")
    response = client.get(url, cast_to=ANTHROPIC.http.Response, options={"headers": {}})
    assert len(response.text.splitlines()) == 4
    assert [ended(event) for event in recording.log().events] == ENDED


def test_a_batch_that_is_refused(recording, batches):
    recording()
    client = ANTHROPIC.client_over(lambda request: ANTHROPIC.response(REFUSED, status=400))
    with pytest.raises(anthropic.BadRequestError):
        client.messages.batches.create(requests=REQUESTS)
    log = recording.log()
    assert [ended(event) for event in log.events[4:]] == [
        ("system", name, "invalid_request_error") for name in "abcd"
    ]


def test_requests_that_can_be_read_only_once(recording):
    recording()
    bodies = []

    def accept(request):
        bodies.append(json.loads(request.content))
        return ANTHROPIC.response(BATCH)

    ANTHROPIC.client_over(accept).messages.batches.create(requests=(one for one in REQUESTS))
    assert bodies == [{"requests": REQUESTS}]
    assert recording.log().events[-1]["extensions"]["batch"] == "msgbatch_1"


@pytest.mark.parametrize("reading", ["parse", "iter_lines", "read"])
def test_results_by_a_streaming_response(recording, batches, reading):
    streaming = batches("sync").with_streaming_response
    if not hasattr(streaming, "results"):
        pytest.skip("this version of the SDK reads results in one way only")
    recording()
    with streaming.results("msgbatch_1") as response:
        taken = getattr(response, reading)()
        if reading != "read":
            assert len(list(taken)) == 4
    assert [ended(event) for event in recording.log().events] == ENDED
