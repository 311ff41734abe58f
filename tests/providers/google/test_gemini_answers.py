"""What an answer of Gemini's can hold, and what the log has of it."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from google.genai import types
from offline.openai_media import dot

from tests.support.calling import KINDS, run_sync
from tests.support.gemini import HTTP, closed, made, prompt, resources

PNG = base64.b64decode(dot())
DOT = {
    "type": "blob",
    "modality": "image",
    "mime_type": "image/png",
    "sha256": hashlib.sha256(PNG).hexdigest(),
    "bytes": len(PNG),
}


def answering(body):
    """The functions of a client that is always given this answer."""
    return resources(made(transport=lambda _: HTTP.Response(200, json=body)))


def candidate(*parts, **more):
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"} | more]
    }


def told_of(recording, body, **arguments):
    """The events of one call that is given this answer."""
    f = answering(body)
    with recording():
        f.generate(**{"model": "gemini-2.5-flash", "contents": "Hello"} | arguments)
    return recording.log().normalized()


def parts_of(recording, *parts):
    """The parts of an answer in the log."""
    return told_of(recording, candidate(*parts))[1]["content"]["messages"][0]["parts"]


def test_code_that_the_provider_runs(recording):
    code = {"language": "PYTHON", "code": "print(1)"}
    result = {"outcome": "OUTCOME_OK", "output": "1\n"}
    parts = parts_of(
        recording,
        {"executableCode": code},
        {"codeExecutionResult": result},
        {"text": "It is "},
        {"text": "1."},
    )
    assert parts == [
        {"type": "server_tool_call", "name": "code_execution", "server_tool_call": code},
        {"type": "server_tool_call_response", "server_tool_call_response": result},
        {"type": "text", "content": "It is 1."},
    ]


def test_images_go_in_and_come_out_as_hashes(recording):
    picture = types.Part.from_bytes(data=PNG, mime_type="image/png")
    uri = types.Part.from_uri(file_uri="https://example.com/a.pdf", mime_type="application/pdf")
    inline = {"inlineData": {"mimeType": "image/png", "data": dot()}}
    asked, answer = told_of(recording, candidate(inline), contents=["What is this?", picture, uri])
    assert asked["content"]["messages"][0]["parts"] == [
        {"type": "text", "content": "What is this?"},
        DOT,
        {
            "type": "uri",
            "modality": "document",
            "uri": "https://example.com/a.pdf",
            "mime_type": "application/pdf",
        },
    ]
    assert answer["content"]["messages"][0]["parts"] == [DOT]
    assert dot() not in recording.path.read_text()


def test_several_candidates(clients, recording):
    _, offered = clients["sync"]
    with recording():
        offered.generate(model="gemini-2.5-flash", contents="Hello", config={"candidate_count": 2})
    answer = recording.log().normalized()[1]
    texts = [one["parts"][0]["content"] for one in answer["content"]["messages"]]
    assert texts[1] == f"{texts[0]} (answer 2)"
    assert answer["content"]["text"] == "\n\n".join(texts)


def test_a_prompt_that_is_blocked(clients, recording):
    _, offered = clients["sync"]
    with recording():
        assert offered.generate(model="blocking", contents="Hello").candidates is None
    answer = recording.log().normalized()[1]
    assert answer["extensions"]["finish_reason"] == "PROHIBITED_CONTENT"
    (part,) = answer["content"]["messages"][0]["parts"]
    assert part["type"] == "refusal"
    assert part["safety_ratings"][0]["blocked"] is True


def test_an_answer_that_is_blocked(clients, recording):
    _, offered = clients["sync"]
    with recording():
        offered.generate(model="refusing-model", contents="Hello")
    answer = recording.log().normalized()[1]
    assert answer["extensions"]["finish_reason"] == "SAFETY"
    assert answer["content"]["messages"][0]["parts"][0]["type"] == "refusal"


SEARCH = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])


@pytest.mark.parametrize("streams", [False, True])
def test_documents_that_an_answer_is_grounded_in(clients, recording, streams):
    _, offered = clients["sync"]
    with recording(chunks="off"):
        arguments = {"model": "gemini-2.5-flash", "contents": "Hello", "config": SEARCH}
        _ = list(offered.stream(**arguments)) if streams else offered.generate(**arguments)
    log = recording.log()
    assert log.actions == ["prompt", "retrieval", "retrieval", "completion"]
    assert log.normalized()[1] == {
        "session_id": 0,
        "actor": {"type": "tool", "id": "google_search"},
        "action": "retrieval",
        "content": {"text": "Recorders"},
        "provenance": {
            "retrieval": {
                "uri": "https://example.com/recorders",
                "title": "Recorders",
                "domain": "example.com",
            }
        },
        "extensions": {
            "reply_to": 0,
            "rank": 1,
            "score": 0.9,
            "document_id": "https://example.com/recorders",
        },
    }


def test_documents_of_a_file_store(recording):
    found = {"title": "manual.pdf", "text": "Press the red button.", "fileSearchStore": "fileSearchStores/a"}
    body = candidate(
        {"text": "Press it."}, groundingMetadata={"groundingChunks": [{"retrievedContext": found}]}
    )
    _, document, _ = told_of(recording, body)
    assert document["actor"]["id"] == "file_search"
    assert document["content"] == {"text": "Press the red button."}
    assert document["extensions"] == {"reply_to": 0, "rank": 1, "document_id": "manual.pdf"}


def test_tokens(recording):
    usage = {
        "promptTokenCount": 100,
        "toolUsePromptTokenCount": 20,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 30,
        "totalTokenCount": 157,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 90},
            {"modality": "AUDIO", "tokenCount": 10},
        ],
    }
    answer = told_of(recording, candidate({"text": "Yes"}) | {"usageMetadata": usage})[1]
    assert answer["metrics"]["tokens"] == {
        "prompt": 120,
        "completion": 37,
        "total": 157,
        "cached": 60,
        "reasoning": 30,
        "audio_prompt": 10,
    }
    assert answer["extensions"]["usage"] == usage


def test_citations_are_placed_at_the_text(recording):
    cited = {"citations": [{"startIndex": 0, "endIndex": 3, "uri": "https://example.com"}]}
    answer = told_of(recording, candidate({"text": "Yes"}, citationMetadata=cited))[1]
    (part,) = answer["content"]["messages"][0]["parts"]
    assert part["annotations"] == cited["citations"]


def test_a_part_of_an_unknown_kind(recording):
    parts = parts_of(recording, {"hologram": {"depth": 3}}, {"text": "Yes"}, {"thoughtSignature": "YQ=="})
    assert parts == [
        {"type": "unknown", "hologram": {"depth": 3}},
        {"type": "text", "content": "Yes"},
    ]


def test_parameters_are_recorded_as_they_were_sent(clients, provider, recording):
    _, offered = clients["sync"]
    config = types.GenerateContentConfig(
        temperature=0.5,
        stop_sequences=["."],
        response_mime_type="application/json",
        response_schema={"type": "OBJECT", "properties": {"name": {"type": "STRING"}}},
        safety_settings=[
            types.SafetySetting(
                category="HARM_CATEGORY_HATE_SPEECH",
                threshold="BLOCK_NONE",
            )
        ],
    )
    with recording():
        offered.generate(model="models/gemini-2.5-flash", contents="Hello", config=config)
    sent = provider.requests[-1].body
    assert recording.log().normalized()[0] == prompt(sent)
    assert {"generationConfig", "safetySettings"} <= sent.keys()


# --- Vertex AI


@pytest.fixture
def vertex(provider):
    client = made(provider.url, vertexai=True)
    yield resources(client)
    client.close()


def test_vertex_is_named(vertex, recording):
    with recording():
        vertex.generate(model="gemini-2.5-flash", contents="Hello")
    asked, answer = recording.log().normalized()
    assert asked["provenance"]["provider"] == answer["provenance"]["provider"] == "vertex"
    assert asked["extensions"]["model"] == "gemini-2.5-flash"
    assert answer["metrics"]["cost_usd"]


def test_vertex_embeds(vertex, recording):
    with recording():
        vertex.embed(model="text-embedding-005", contents=["one", "two"], config={"output_dimensionality": 3})
    (event,) = recording.log().normalized()
    assert event["action"] == "embedding"
    assert event["metrics"] == {"tokens": {"prompt": 2, "total": 2}}
    extensions = event["extensions"]
    assert (extensions["inputs"], extensions["dimensions"]) == (2, 3)
    assert extensions["request"] == {"parameters": {"outputDimensionality": 3}}


def test_vertex_makes_images(vertex, recording):
    with recording():
        answer = vertex.images(model="imagen-4.0", prompt="A cat", config={"number_of_images": 2})
    assert len(answer.generated_images) == 2
    asked, told = recording.log().normalized()
    assert asked["content"] == {"text": "A cat"}
    assert told["content"]["messages"][0]["parts"] == [DOT, DOT]


# --- answers that the SDK cannot read


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_the_sdk_fails_at(runner, recording, kind):
    body = candidate({"text": "Yes"}, finishReason=1)
    client = made(transport=lambda _: HTTP.Response(200, json=body))

    async def asking():
        if kind == "sync":
            client.models.generate_content(model="gemini-2.5-flash", contents="Hello")
        await client.aio.models.generate_content(model="gemini-2.5-flash", contents="Hello")

    with recording(), pytest.raises(AttributeError):
        (run_sync if kind == "sync" else runner.run)(asking())
    _, failed = recording.log().normalized()
    assert failed["content"]["messages"][0]["parts"] == [{"type": "text", "content": "Yes"}]
    assert (failed["action"], failed["extensions"]["error_type"]) == ("system", "AttributeError")
    runner.run(closed(client))


def test_a_body_that_is_not_strict_json(recording):
    text = json.dumps(candidate({"text": "\ud800"}, avgLogprobs=float("nan")))
    f = resources(made(transport=lambda _: HTTP.Response(200, text=text)))
    with recording():
        f.generate(model="gemini-2.5-flash", contents="Hello")
    assert recording.log().normalized()[1]["content"]["text"] == "\\ud800"
