"""SDKs made by the generator that made openai's: each call is recorded once, and whole."""

from __future__ import annotations

from operator import attrgetter

import pytest
from offline.wire import frame

import hilt_autolog
from hilt_autolog.providers.registry import providers_of
from tests.support.calling import HELLO, KINDS, agree, each, functions, joined, outcome, run_sync, settled
from tests.support.compatible_sdks import ASKED, FAMILY, IN_PROCESS, NAMES, OPTIONS, offline
from tests.support.ways import ANSWERS, STREAMS

CHAT = {"model": "llama-3.3-70b", "messages": [{"role": "user", "content": "Hello"}]}
PROVIDERS = {module: providers_of(module)[0] for module in NAMES}
MODEL = {("perplexity", "embeddings"): "pplx-embed-v1-4b"}  # this SDK looks
AT_ONCE = {"retry-after-ms": "1"}
WAYS = {name: way for name, way in (ANSWERS | STREAMS).items() if name != "stream with usage"}
OPERATIONS = [
    (module, operation.name)
    for module in FAMILY
    for operation in PROVIDERS[module].routes.values()
    if operation.kind == "call"
]
members = pytest.mark.parametrize("module", FAMILY)
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def run(runner):
    return {"sync": run_sync, "async": runner.run}


def path_of(module, name):
    return next(path for (_, path), one in PROVIDERS[module].routes.items() if one.name == name)


def provenance(module, operation):
    return {
        "operation": operation,
        "provider": PROVIDERS[module].provider,
        "sdk": f"{module} {FAMILY[module].package.__version__}",
        "server": "offline",
    }


@members
def test_every_function_that_we_look_for_exists(recording, module):
    recording()
    assert all(hilt_autolog.status().watching[module].values())


@members
@kinds
@pytest.mark.parametrize("way", WAYS)
def test_a_chat_is_recorded_whole(recording, run, module, kind, way):
    f = functions(offline(module, kind), "chat.completions.create", path_of(module, "chat.completions"))
    alone = outcome(run[kind], WAYS[way], f, CHAT)
    recording()
    agree(alone, outcome(run[kind], WAYS[way], f, CHAT))
    log = recording.log()
    chunks = ["completion_chunk"] * (len(log.events) - 2 if way in STREAMS else 0)
    assert log.actions == ["prompt", *chunks, "completion"]
    prompt, completion = log.of("prompt", "completion")
    assert prompt["content"]["text"] == "Hello"
    for event in (prompt, completion):
        assert provenance(module, "chat.completions").items() <= event["provenance"].items()
    assert completion["content"]["text"] == HELLO
    assert completion["extensions"]["finish_reason"] == "stop"
    assert way not in STREAMS or joined(log.of("completion_chunk")) == HELLO
    assert way in STREAMS or completion["metrics"]["tokens"]["total"] > 0


@kinds
@pytest.mark.parametrize(("module", "name"), OPERATIONS)
def test_every_operation_of_an_sdk_is_recorded(recording, run, module, kind, name):
    """By its own method: so the paths are those that the SDK really asks for."""
    method, arguments = ASKED[name]
    call = attrgetter(f"{name}.{method}".rstrip("."))(offline(module, kind))
    recording()

    async def ask():
        return await settled(call(model=MODEL.get((module, name), "a-model"), **arguments))

    run[kind](ask())
    log = recording.log()
    assert log.actions == (["embedding"] if name == "embeddings" else ["prompt", "completion"])
    assert {event["provenance"]["operation"] for event in log.events} == {name}


@members
@kinds
def test_a_failure_is_recorded_with_its_retries(recording, run, module, kind):
    here = IN_PROCESS[module]
    broken = {"error": {"message": "Broken", "code": "api_error"}}
    client = here.client_over(
        lambda _: here.response(broken, status=500, **AT_ONCE), kind, max_retries=1, **OPTIONS.get(module, {})
    )
    recording()

    async def ask():
        await settled(client.chat.completions.create(**CHAT))

    with pytest.raises(FAMILY[module].package.InternalServerError):
        run[kind](ask())
    (failure,) = recording.log().of("system")
    assert failure["content"]["text"] == "Broken"
    assert failure["extensions"]["error_type"] == "InternalServerError"
    assert failure["extensions"]["error_code"] == "api_error"
    assert (failure["extensions"]["status_code"], failure["extensions"]["retries"]) == (500, 1)


@pytest.mark.skipif("sambanova" not in FAMILY, reason="needs sambanova")
@kinds
def test_a_transcript_of_sambanova_comes_as_chats_do(recording, run, kind):
    here = IN_PROCESS["sambanova"]
    deltas = [{"role": "assistant", "content": "Hel"}, {"content": "lo"}]
    frames = [frame({"id": "t_1", "choices": [{"index": 0, "delta": delta}]}) for delta in deltas]
    client = here.client_over(lambda _: here.response([*frames, frame("[DONE]")]), kind)
    recording()

    async def ask():
        create = client.audio.transcriptions.create
        stream = await settled(create(model="whisper", file=("a.wav", b"RIFF"), stream=True))
        return [chunk async for chunk in each(stream)]

    assert len(run[kind](ask())) == 2
    log = recording.log()
    assert log.actions == ["prompt", "completion_chunk", "completion_chunk", "completion"]
    assert log.events[-1]["content"]["text"] == "Hello"
