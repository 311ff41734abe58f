"""Pictures, sounds and files: recorded by hash and size, stored where that is asked for, never in a line."""

from __future__ import annotations

import base64
import hashlib
import io

import pytest
from offline.openai_media import dot, silence

from tests.support.in_process import offline

PNG = dot()
BYTES = base64.b64decode(PNG)
BIG = bytes(range(256)) * 1000
BIG_TEXT = base64.b64encode(BIG).decode()
PDF = f"data:application/pdf;base64,{BIG_TEXT}"
URL = f"data:image/png;base64,{PNG}"


def blob(modality, mime_type, content, **more):
    digest = hashlib.sha256(content).hexdigest()
    known = {"type": "blob", "modality": modality, "mime_type": mime_type, "sha256": digest}
    return known | {"bytes": len(content)} | more


# a part of a chat message, and what the log has of it
CHAT_PARTS = {
    "a picture": ({"type": "image_url", "image_url": {"url": URL}}, blob("image", "image/png", BYTES)),
    "a picture with detail": (
        {"type": "image_url", "image_url": {"url": URL, "detail": "low"}},
        blob("image", "image/png", BYTES, detail="low"),
    ),
    "a link": (
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"},
    ),
    "a sound": (
        {"type": "input_audio", "input_audio": {"data": BIG_TEXT, "format": "wav"}},
        blob("audio", "audio/wav", BIG),
    ),
    "a file": (
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": PDF},
        },
        blob("document", "application/pdf", BIG, name="a.pdf"),
    ),
    "a file of the provider's": (
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file_id": "file-1"},
    ),
    "a picture that is not base64": (
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,%%%"}},
        None,
    ),
}
RESPONSE_PARTS = {
    "a picture": ({"type": "input_image", "image_url": URL}, blob("image", "image/png", BYTES)),
    "a file": (
        {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
        blob("document", "application/pdf", BIG, name="a.pdf"),
    ),
    "a file of the provider's": (
        {"type": "input_file", "file_id": "file-1"},
        {"type": "file", "modality": "document", "file_id": "file-1"},
    ),
}


def user(part):
    return [{"role": "user", "content": [part]}]


@pytest.mark.parametrize("name", CHAT_PARTS)
def test_parts_of_a_chat(recording, name):
    part, told = CHAT_PARTS[name]
    recording()
    offline().chat.completions.create(model="gpt-4o", messages=user(part))
    [[message]] = [event["content"]["messages"] for event in recording.log().of("prompt")]
    assert told is None or message["parts"] == [told]
    assert nothing_inline(recording)


@pytest.mark.parametrize("name", RESPONSE_PARTS)
def test_parts_of_a_response(recording, name):
    part, told = RESPONSE_PARTS[name]
    recording()
    offline().responses.create(model="gpt-4o", input=user(part))
    [[message]] = [event["content"]["messages"] for event in recording.log().of("prompt")]
    assert message["parts"] == [told]
    assert nothing_inline(recording)


def nothing_inline(recording):
    data = recording.path.read_bytes()
    return not any(inline.encode() in data for inline in (PNG[:60], BIG_TEXT[:60], BIG_TEXT[-60:]))


@pytest.mark.parametrize("stream", [False, True])
def test_a_spoken_answer(recording, stream):
    recording()
    answer = offline().chat.completions.create(
        model="gpt-4o-audio-preview",
        messages=[{"role": "user", "content": "Hello"}],
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
        stream=stream,
    )
    for _ in answer if stream else ():
        pass
    [event] = recording.log().of("completion")
    [part] = event["content"]["messages"][0]["parts"]
    words = "Hello! I run on your own machine. Ask me anything: I cost nothing."
    assert event["content"]["text"] == part["transcript"] == words
    assert part.items() >= {**blob("audio", "audio/wav", silence())}.items()
    assert base64.b64encode(silence())[:60] not in recording.path.read_bytes()


def test_a_tool_that_returns_a_picture(recording):
    recording()
    called = {"type": "function_call", "call_id": "call_1", "name": "draw", "arguments": "{}"}
    output = [{"type": "input_image", "image_url": URL}]
    items = [called, {"type": "function_call_output", "call_id": "call_1", "output": output}]
    offline().responses.create(model="gpt-4o", input=items)
    assert nothing_inline(recording)
    part = recording.log().of("prompt")[0]["content"]["messages"][-1]["parts"][0]
    assert part["response"] == [blob("image", "image/png", BYTES)]


# --- uploads


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sound.wav"
    path.write_bytes(silence())
    return path


def opened(path):
    file = path.open("rb")
    file.seek(4)
    return file


UPLOADS = {
    "bytes": lambda path: path.read_bytes(),
    "a path": lambda path: path,
    "an open file": opened,
    "name and bytes": lambda path: ("a.wav", path.read_bytes()),
    "name, bytes and type": lambda path: ("a.wav", path.read_bytes(), "audio/wav"),
}


@pytest.mark.parametrize("name", UPLOADS)
def test_an_upload_is_described_in_place(recording, provider, client, file, name):
    def sent():
        given = UPLOADS[name](file)
        client.audio.transcriptions.create(model="whisper-1", file=given)
        getattr(given, "close", bool)()
        return provider.requests[-1].body["file"]

    alone = sent()
    recording()
    assert sent() == alone
    [part] = recording.log().of("prompt")[0]["content"]["messages"][0]["parts"]
    assert part["sha256"] == hashlib.sha256(silence()).hexdigest()  # of the whole file
    assert part["bytes"] == len(silence())


def test_an_upload_whose_content_cannot_be_known(recording, client, file):
    """A stream of bytes is the program's to read: nothing of it is taken."""

    class Pipe(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            data = source.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)

    with file.open("rb") as source:
        recording()
        heard = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", Pipe()))
    assert heard.text.startswith("This recording")
    [part] = recording.log().of("prompt")[0]["content"]["messages"][0]["parts"]
    assert "sha256" not in part


# --- stored


def test_media_are_stored_once_beside_the_log(recording):
    recording(media="store")
    client = offline()
    for _ in range(2):
        client.chat.completions.create(model="gpt-4o", messages=user(CHAT_PARTS["a picture"][0]))
    client.images.generate(model="gpt-image-1", prompt="a dot")
    client.chat.completions.create(model="gpt-4o", messages=user(CHAT_PARTS["a file"][0]))
    folder = recording.path.parent / "media"
    digest = hashlib.sha256(BYTES).hexdigest()
    names = {f"{digest}.png": BYTES, f"{hashlib.sha256(BIG).hexdigest()}.pdf": BIG}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == names
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_media_that_cannot_be_stored_are_described(recording, monkeypatch):
    monkeypatch.delenv("HILT_STRICT")
    (recording.path.parent / "media").write_text("in the way")
    recording(media="store")
    offline().chat.completions.create(model="gpt-4o", messages=user(CHAT_PARTS["a picture"][0]))
    log = recording.log()
    assert log.actions == ["prompt", "completion"]
    assert log.of("prompt")[0]["content"]["messages"][0]["parts"] == [blob("image", "image/png", BYTES)]
