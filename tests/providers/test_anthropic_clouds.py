"""Claude on other clouds: the same events, with the name of the provider."""

from __future__ import annotations

import base64
import binascii
import json
from operator import attrgetter

import anthropic
import pytest
from offline.answers import pieces

from hilt_autolog.instrumentation.decoders import AwsEventStreamDecoder
from tests.support.calling import HELLO, KINDS, agree, each, entered, outcome, run_sync, settled, spelled
from tests.support.in_process import IN_PROCESS

ANTHROPIC = IN_PROCESS["anthropic"]
MODEL = "claude-haiku-4-5"
ASKED = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
AMAZON = {"aws_region": "us-east-1", "aws_access_key": "x", "aws_secret_key": "y"}
GOOGLE = {"region": "us-east5", "project_id": "p", "access_token": "x"}
# client: its arguments, who answers, and the host
CLOUDS = {
    "AnthropicBedrock": (AMAZON, "bedrock", "bedrock-runtime.us-east-1.amazonaws.com"),
    "AnthropicBedrockMantle": (AMAZON, "bedrock", "bedrock-mantle.us-east-1.api.aws"),
    "AnthropicAWS": (
        AMAZON | {"workspace_id": "w"},
        "anthropic",
        "aws-external-anthropic.us-east-1.api.aws",
    ),
    "AnthropicVertex": (GOOGLE, "vertex", "us-east5-aiplatform.googleapis.com"),
    "AnthropicFoundry": ({"resource": "r", "api_key": "x"}, "azure", "r.services.ai.azure.com"),
}
THERE = [name for name in CLOUDS if hasattr(anthropic, name)]


def client(name, kind):
    if "Bedrock" in name or "AWS" in name:
        pytest.importorskip("botocore", reason="needs anthropic[bedrock]")
    if "Vertex" in name:
        pytest.importorskip("google.auth", reason="needs anthropic[vertex]")
    library = {"sync": ANTHROPIC.http.Client, "async": ANTHROPIC.http.AsyncClient}[kind]
    make = getattr(anthropic, f"Async{name}" if kind == "async" else name)
    http_client = library(transport=ANTHROPIC.http.MockTransport(answer))
    return make(**CLOUDS[name][0], http_client=http_client, max_retries=0)


def answer(request):
    """The offline provider as any of these clouds."""
    path, body = request.url.path, json.loads(request.content)
    is_framed = path.endswith("/invoke-with-response-stream")
    stream = is_framed or path.endswith(":streamRawPredict") or body.get("stream", False)
    asked = ANTHROPIC.http.Request(
        "POST", "http://offline/v1/messages", json={"model": MODEL, "stream": stream} | body
    )
    answered = ANTHROPIC.provided({})(asked)
    if not is_framed:
        return answered
    events = [json.loads(part.partition(b"data: ")[2]) for part in answered.stream.pieces]
    frames = [framed({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}) for event in events]
    return ANTHROPIC.response(frames, "application/vnd.amazon.eventstream", **{"x-amzn-requestid": "req_1"})


def framed(payload, **headers):
    """One message of Amazon's event streams."""
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"} | {
        f":{name.replace('_', '-')}": value for name, value in headers.items()
    }
    head = b"".join(_header(name, value) for name, value in headers.items())
    data = json.dumps(payload).encode()
    prelude = (16 + len(head) + len(data)).to_bytes(4) + len(head).to_bytes(4)
    message = prelude + binascii.crc32(prelude).to_bytes(4) + head + data
    return message + binascii.crc32(message).to_bytes(4)


def _header(name, value):
    return bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2) + value.encode()


async def plain(messages, seen):
    seen.append(spelled(await settled(messages.create(**ASKED))))


async def stream(messages, seen):
    opened = await settled(messages.create(**ASKED, stream=True))
    seen += [type(opened), *[spelled(item) async for item in each(opened)]]


async def helper(messages, seen):
    async with entered(messages.stream(**ASKED)) as opened:
        seen += [spelled(item) async for item in each(opened)]


async def raw_stream(messages, seen):
    raw = await settled(messages.with_raw_response.create(**ASKED, stream=True))
    opened = await settled(raw.parse())
    seen += [type(opened), *[spelled(item) async for item in each(opened)]]


async def bytes_of_a_stream(messages, seen):
    async with entered(messages.with_streaming_response.create(**ASKED, stream=True)) as response:
        seen += [type(response), len([piece async for piece in each(response.iter_bytes(10))]) > 10]


@pytest.fixture(params=KINDS)
def mode(request, runner):
    """The kind of client, and how to run what it does."""
    return request.param, run_sync if request.param == "sync" else runner.run


@pytest.mark.parametrize("resource", ["messages", "beta.messages"])
@pytest.mark.parametrize("way", [plain, stream, helper, raw_stream, bytes_of_a_stream])
@pytest.mark.parametrize("name", THERE)
def test_a_call_through_a_cloud(recording, mode, name, way, resource):
    kind, run = mode
    messages = attrgetter(resource)(client(name, kind))
    if way is helper and not hasattr(messages, "stream"):
        pytest.skip("this version of the SDK has no such helper")
    case = (run, way, messages)
    alone = outcome(*case)
    recording()
    agree(alone, outcome(*case))
    log = recording.log()
    [prompt], chunks, [end] = log.of("prompt"), log.of("completion_chunk"), log.of("completion")
    assert len(log.events) == len(chunks) + 2
    assert [event["content"]["text"] for event in chunks] == (pieces(HELLO) if way is not plain else [])
    assert end["content"] == {"text": HELLO}
    assert end["metrics"]["tokens"] == {"prompt": 4, "completion": 17, "total": 21}
    assert end["extensions"]["finish_reason"] == "end_turn"
    _, provider, server = CLOUDS[name]
    for event in (prompt, end):
        facts = event["provenance"]
        assert (facts["provider"], facts["server"]) == (provider, server)


def test_an_error_in_a_stream_of_amazon(recording):
    pytest.importorskip("botocore", reason="needs anthropic[bedrock]")
    failure = framed({"message": "Slow down"}, message_type="exception", exception_type="throttlingException")

    def read():
        transport = ANTHROPIC.http.MockTransport(
            lambda request: ANTHROPIC.response([failure], "application/vnd.amazon.eventstream")
        )
        make = anthropic.AnthropicBedrock
        cloud = make(**AMAZON, http_client=ANTHROPIC.http.Client(transport=transport), max_retries=0)
        with cloud.messages.with_streaming_response.create(**ASKED, stream=True) as response:
            return len(response.read())

    alone = read()
    recording()
    assert read() == alone
    [_, error] = recording.log().events
    assert error["content"]["text"] == "Slow down"
    assert error["extensions"]["error_code"] == "throttlingException"


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_messages_however_they_are_cut(size):
    event = {"type": "message_stop"}
    whole = framed({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}) * 3 + framed({"p": "x"})
    decoder = AwsEventStreamDecoder()
    found = [one for at in range(0, len(whole), size) for one in decoder.feed(whole[at : at + size])]
    assert found == [event] * 3
    assert decoder.end() == []


@pytest.mark.parametrize("data", [b"\0" * 40, b"no such stream at all", framed(["no object"]), b"\xff" * 9])
def test_what_is_no_message(data):
    assert AwsEventStreamDecoder().feed(data) == []
