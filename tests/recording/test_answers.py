"""What an answer may be beyond one text: several, a thought, a refusal, a sound, a text that was cut."""

from __future__ import annotations

import pytest

from tests.support.calling import joined
from tests.support.in_process import client_over, offline, response

HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."
ASK = [{"role": "user", "content": "Hello"}]
STREAMS = (False, True)


def chat(client, *, stream, model="gpt-4o", **more):
    answer = client.chat.completions.create(model=model, messages=ASK, stream=stream, **more)
    return list(answer) if stream else answer


def spoken(*parts, finish="stop"):
    return {"role": "assistant", "parts": [*parts], "finish_reason": finish}


def text(content):
    return {"type": "text", "content": content}


@pytest.mark.parametrize("stream", STREAMS)
def test_several_choices(recording, stream):
    recording()
    chat(offline(), stream=stream, n=3)
    [answer] = recording.log().of("completion")
    texts = [HELLO, f"{HELLO} (answer 2)", f"{HELLO} (answer 3)"]
    assert answer["content"] == {
        "text": "\n\n".join(texts),
        "messages": [spoken(text(content)) for content in texts],
    }
    for choice, content in enumerate(texts if stream else ()):
        chunks = recording.log().of("completion_chunk")
        assert joined(c for c in chunks if c["extensions"].get("choice", 0) == choice) == content


@pytest.mark.parametrize("stream", STREAMS)
def test_thoughts(recording, stream):
    recording()
    chat(offline(), stream=stream, model="my-reasoner")
    [answer] = recording.log().of("completion")
    thought = {"type": "reasoning", "content": "The question has 5 characters. "}
    assert answer["content"] == {"text": HELLO, "messages": [spoken(thought, text(HELLO))]}
    if stream:
        kinds = [chunk["extensions"]["kind"] for chunk in recording.log().of("completion_chunk")]
        assert kinds == ["reasoning"] * kinds.count("reasoning") + ["text"] * kinds.count("text")
    else:
        assert answer["metrics"]["tokens"]["reasoning"] == 8


@pytest.mark.parametrize("stream", STREAMS)
def test_thoughts_of_a_response(recording, stream):
    recording()
    summary = {"effort": "low", "summary": "auto"}
    answer = offline().responses.create(model="o4-mini", input="Hello", stream=stream, reasoning=summary)
    for _ in answer if stream else ():
        pass
    [answer] = recording.log().of("completion")
    thought, said = answer["content"]["messages"][0]["parts"]
    assert thought.items() >= {"type": "reasoning", "content": "The question has 5 characters. "}.items()
    assert said == text(HELLO)
    assert answer["metrics"]["tokens"]["reasoning"] == 8


REFUSAL = "I would rather not answer that."


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("resource", ["chat", "responses"])
def test_refusals(recording, resource, stream):
    recording()
    if resource == "chat":
        chat(offline(), stream=stream, model="refusing-model")
    else:
        answer = offline().responses.create(model="refusing-model", input="Hello", stream=stream)
        for _ in answer if stream else ():
            pass
    [answer] = recording.log().of("completion")
    assert answer["content"]["text"] == REFUSAL
    assert answer["content"]["messages"][0]["parts"] == [{"type": "refusal", "content": REFUSAL}]
    assert joined(recording.log().of("completion_chunk")) == REFUSAL * stream


@pytest.mark.parametrize("stream", STREAMS)
def test_an_answer_is_cut_at_the_limit(recording, stream):
    recording()
    chat(offline(), stream=stream, max_tokens=3)
    offline().responses.create(model="gpt-4o", input="Hello", max_output_tokens=3)
    answers = recording.log().of("completion")
    assert [answer["content"]["text"] for answer in answers] == ["Hello! I", "Hello! I"]
    finishes = [answer["extensions"]["finish_reason"] for answer in answers]
    assert finishes == ["length", "max_output_tokens"]


def test_what_a_response_says_of_a_failure(recording):
    recording()
    error_of = {"code": "server_error", "message": "It broke"}
    failed = {"id": "resp_1", "status": "failed", "output": [], "model": "gpt-4o", "error": error_of}
    client_over(lambda request: response(failed)).responses.create(model="gpt-4o", input="Hello")
    _, error = recording.log().events
    assert (error["action"], error["content"]) == ("system", {"text": "It broke"})
    assert error["extensions"].items() >= {"error_code": "server_error", "status_code": 200}.items()


def test_fields_that_compatible_servers_add(recording):
    """Reasoning under another name, usage in Groq's envelope, cached tokens in DeepSeek's spelling."""
    message = {"role": "assistant", "content": "Hi", "reasoning": "Hm."}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4}
    body = {"id": "c_1", "choices": [{"index": 0, "message": message}], "x_groq": {"usage": usage}}
    recording()
    chat(client_over(lambda request: response(body)), stream=False)
    [answer] = recording.log().of("completion")
    assert answer["metrics"]["tokens"] == {"prompt": 9, "completion": 2, "total": 11, "cached": 4}
    assert answer["extensions"]["usage"] == usage
    assert answer["content"]["messages"][0]["parts"][0] == {"type": "reasoning", "content": "Hm."}
