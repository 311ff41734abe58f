"""A message as it comes: its pieces, what is left of it when it breaks off, and what it has used."""

from __future__ import annotations

import anthropic
import pytest

from tests.support.anthropic_answers import ANTHROPIC, ASKED, client, events, frames, message
from tests.support.calling import joined

TOOL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"city": "Paris"}}
THOUGHT = {"type": "thinking", "thinking": "Hm", "signature": "sig"}
WHOLE = message(THOUGHT, {"type": "text", "text": "Hi"}, TOOL, stop_reason="tool_use")


def heard(*all_events, take=None):
    """Let a program read a stream, or so many of its events."""
    stream = client([*all_events]).messages.create(**ASKED, stream=True)
    for count, _ in enumerate(stream, 1):
        if count == take:
            break
    stream.close()


def test_the_pieces_of_a_message(recording):
    recording()
    heard(*events(WHOLE))
    log = recording.log()
    kinds = [(event["extensions"]["kind"], event["content"]["text"]) for event in log.of("completion_chunk")]
    assert kinds == [
        ("reasoning", "Hm"),
        ("text", "Hi"),
        ("tool_arguments", '{"c'),
        ("tool_arguments", 'ity": "Paris"}'),
    ]
    [end], [call] = log.of("completion"), log.of("tool_call")
    assert end["extensions"]["finish_reason"] == "tool_use"
    assert end["extensions"]["chunks"] == 4
    assert end["content"]["text"] == "Hi"
    parts = end["content"]["messages"][0]["parts"]
    assert [part["type"] for part in parts] == ["reasoning", "text", "tool_call"]
    assert call["content"] == {"text": '{"city": "Paris"}'}


@pytest.mark.parametrize(("missing", "calls"), [(0, ['{"city": "Paris"}']), (1, []), (2, []), (3, [])])
def test_half_a_tool_call(recording, missing, calls):
    """The program leaves before so many events of the call: it is recorded if its arguments are whole."""
    recording()
    begun = [*events(WHOLE)]
    heard(*begun, take=begun.index({"index": 2, "type": "content_block_stop"}) - missing)
    log = recording.log()
    assert log.of("completion")[0]["extensions"]["ended"] == "closed"
    assert [call["content"]["text"] for call in log.of("tool_call")] == calls


def test_arguments_that_are_cut_by_the_limit(recording):
    recording()
    cut = [event for event in events(WHOLE) if "ity" not in str(event.get("delta"))]
    heard(*cut)
    [call] = recording.log().of("tool_call")
    assert call["content"] == {"text": '{"c'}


def test_a_tool_without_arguments(recording):
    recording()
    bare = TOOL | {"input": {}}
    heard(*(event for event in events(message(bare)) if "delta" not in event or "usage" in event))
    assert [call["content"]["text"] for call in recording.log().of("tool_call")] == ["{}"]


def test_usage_is_what_came_last(recording):
    recording()
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 1000,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1000},
        "server_tool_use": {"web_search_requests": 2},
        "service_tier": "priority",
    }
    more = {"usage": usage, "model": "claude-haiku-4-5-20251001", "stop_details": {"type": "refusal"}}
    heard(*events(message({"type": "text", "text": "Hi"}, container={"id": "c_1"}, **more)))
    [end] = recording.log().of("completion")
    assert end["extensions"]["usage"] == usage
    assert end["metrics"]["tokens"] == {
        "prompt": 1110,
        "completion": 5,
        "total": 1115,
        "cached": 100,
        "cache_creation": 1000,
    }
    # $ a million: 10 read at 1, 100 from the cache at 0.10, 1000 into it for an hour at 2, 5 said at 5
    assert end["metrics"]["cost_usd"] == pytest.approx(10e-6 + 10e-6 + 2000e-6 + 25e-6 + 0.02)
    assert end["provenance"]["service_tier"] == "priority"
    assert end["extensions"]["container"] == {"id": "c_1"}
    assert end["extensions"]["stop_details"] == {"type": "refusal"}


OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def test_an_error_in_the_middle(recording):
    recording()
    with pytest.raises(anthropic.APIStatusError) as caught:
        heard(*[*events(WHOLE)][:6], OVERLOADED)
    log = recording.log()
    end, error = log.events[-2:]
    assert end["extensions"]["ended"] == "error"
    assert end["content"]["messages"][0]["parts"][0]["content"] == "Hm"
    facts = error["extensions"]
    assert (facts["error_code"], facts["status_code"]) == ("overloaded_error", 200)
    assert facts["error_type"] == type(caught.value).__name__
    assert error["content"] == {"text": "Overloaded"}


def test_an_error_in_a_raw_stream_read_by_the_program(recording):
    recording()
    with client([OVERLOADED]).messages.with_streaming_response.create(**ASKED, stream=True) as response:
        response.read()
    [_, error] = recording.log().events
    facts = error["extensions"]
    assert (facts["error_type"], facts["error_code"]) == ("ResponseError", "overloaded_error")


def test_the_connection_is_lost(recording):
    """The SDK lets the HTTP library's own exception through."""
    recording()
    lost = ANTHROPIC.http.ReadError("gone")
    claude = ANTHROPIC.client_over(lambda request: ANTHROPIC.response([*frames([*events(WHOLE)][:4]), lost]))
    with pytest.raises(ANTHROPIC.http.ReadError) as caught:
        list(claude.messages.create(**ASKED, stream=True))
    assert caught.value is lost
    error = recording.log().events[-1]
    assert (error["extensions"]["error_type"], error["extensions"]["error_code"]) == (
        "ReadError",
        "connection",
    )


def test_an_error_before_anything(recording):
    recording()
    refused = ANTHROPIC.response(OVERLOADED, status=529, **{"retry-after": "7", "request-id": "req_7"})
    with pytest.raises(anthropic.APIStatusError) as caught:
        client(refused).messages.create(**ASKED)
    error = recording.log().events[-1]
    assert (
        error["extensions"].items()
        >= {
            "status_code": 529,
            "error_type": type(caught.value).__name__,
            "error_code": "overloaded_error",
            "retry_after": 7.0,
        }.items()
    )
    assert error["content"] == {"text": "Overloaded"}


def test_text_completions(recording):
    claude = client(
        [
            {"type": "completion", "completion": " Hel", "stop_reason": None, "model": "claude-2.1"},
            {"type": "completion", "completion": "lo", "stop_reason": "max_tokens", "model": "claude-2.1"},
        ]
    )
    if not hasattr(claude, "completions"):
        pytest.skip("this version of the SDK has no text completions")
    recording()
    list(claude.completions.create(model="claude-2.1", prompt="Hi", max_tokens_to_sample=9, stream=True))
    log = recording.log()
    assert joined(log.of("completion_chunk")) == " Hello"
    [end] = log.of("completion")
    assert end["content"] == {"text": " Hello"}
    assert end["extensions"]["finish_reason"] == "max_tokens"
