from __future__ import annotations

import base64
import io
import math
import warnings
import wave

import openai
import pytest

HEARD = "This recording has a name and a size, and nobody has listened to it."
RECORDING = ("a.wav", b"\xff\x00\r\n--" * 100)


@pytest.fixture(scope="module")
def client(provider):
    with openai.OpenAI(api_key="x", base_url=provider.base_url, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("inputs", ["one", ["one", "two"], [1, 2, 3], [[1, 2], [3]]])
@pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}])
def test_embeddings(client, inputs, encoding):
    answer = client.embeddings.create(model="text-embedding-3-small", input=inputs, dimensions=64, **encoding)
    count = len(inputs) if isinstance(inputs, list) and not isinstance(inputs[0], int) else 1
    assert [one.index for one in answer.data] == [*range(count)]
    assert answer.usage.total_tokens == answer.usage.prompt_tokens > 0
    for one in answer.data:
        vector = one.embedding
        if isinstance(vector, str):
            assert len(base64.b64decode(vector)) == 64 * 4
        else:
            assert len(vector) == 64
            assert math.isclose(math.hypot(*vector), 1, rel_tol=1e-5)


def test_embeddings_depend_on_the_text_alone(client):
    def vector(text, model="text-embedding-3-large"):
        return client.embeddings.create(model=model, input=text).data[0].embedding

    assert vector("a") == vector("a")
    assert vector("a") != vector("b")
    assert (len(vector("a")), len(vector("a", "text-embedding-3-small"))) == (3072, 1536)


def test_images(client):
    bytes_of = client.images.generate(model="gpt-image-1", prompt="A dot", n=2)
    assert len(bytes_of.data) == 2
    assert base64.b64decode(bytes_of.data[0].b64_json).startswith(b"\x89PNG")
    assert bytes_of.usage.total_tokens == bytes_of.usage.input_tokens + bytes_of.usage.output_tokens
    assert client.images.generate(model="dall-e-3", prompt="A dot").data[0].url.startswith("https://")
    edited = client.images.edit(model="gpt-image-1", image=("a.png", b"x", "image/png"), prompt="Bigger")
    assert edited.data[0].b64_json == bytes_of.data[0].b64_json
    events = list(client.images.generate(model="gpt-image-1", prompt="A dot", stream=True, partial_images=1))
    assert [event.type for event in events] == [
        "image_generation.partial_image",
        "image_generation.completed",
    ]


def test_transcription(client, provider):
    def heard(**more):
        return client.audio.transcriptions.create(model="whisper-1", file=RECORDING, **more)

    assert heard().text == HEARD
    assert provider.requests[-1].body["file"] == {"filename": "a.wav", "bytes": 600}
    assert heard(timestamp_granularities=["word", "segment"], response_format="verbose_json").duration == 2.5
    assert provider.requests[-1].body["timestamp_granularities"] == ["word", "segment"]
    assert heard(response_format="text").strip() == HEARD
    assert HEARD in heard(response_format="srt")
    assert heard(response_format="vtt").startswith("WEBVTT")
    events = list(heard(stream=True))
    assert "".join(event.delta for event in events[:-1]) == events[-1].text == HEARD
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # since openai 3
        assert client.audio.translations.create(model="whisper-1", file=RECORDING).text == HEARD


def test_speech(client):
    answer = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello", response_format="wav")
    assert answer.response.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as sound:
        assert sound.getnframes() == 800


def test_moderation(client):
    verdicts = client.moderations.create(model="omni-moderation-latest", input=["Hello", "I attack"]).results
    assert [verdict.flagged for verdict in verdicts] == [False, True]
    assert verdicts[1].categories.violence
    parts = [{"type": "text", "text": "I attack"}]
    assert client.moderations.create(model="omni-moderation-latest", input=parts).results[0].flagged


def test_models(client):
    names = [model.id for model in client.models.list()]
    assert "gpt-4o" in names
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-0")
