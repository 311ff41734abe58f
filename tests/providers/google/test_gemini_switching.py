"""Enabling and disabling: late, many times, in any order; missing names are reported, nothing is imported."""

from __future__ import annotations

import copy
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from google.genai import _api_client

import hilt_autolog
from hilt_autolog.contracts.provider import PatchTarget
from hilt_autolog.instrumentation.patcher import patch
from hilt_autolog.providers import google_genai, google_generativeai, providers_of
from tests.support.calling import HELLO
from tests.support.gemini import ASK, made, resources
from tests.support.generativeai import genai as old  # noqa: F401  it is there to be watched

ROOT = Path(__file__).parents[2]
PROBES = (*google_genai.PROVIDER.targets, *google_generativeai.PROVIDER.targets)


def function_of(probe):
    return vars(getattr(sys.modules[probe.module], probe.owner))[probe.name]


def looks(function):
    return {
        "name": (function.__name__, function.__qualname__, function.__module__, function.__doc__),
        "signature": str(inspect.signature(function)),
        "async": inspect.iscoroutinefunction(function),
        "generator": inspect.isgeneratorfunction(function),
        "routine": inspect.isroutine(function),
    }


def test_disabling_restores_the_very_functions(recording):
    before = {probe: function_of(probe) for probe in PROBES}
    for _ in range(3):
        recording()
        watching = hilt_autolog.status().watching
        assert False not in watching["google.genai"].values()
        assert all(watching["google.generativeai"].values())
        assert not any(function_of(probe) is before[probe] for probe in PROBES)
        hilt_autolog.disable()
        assert all(function_of(probe) is before[probe] for probe in PROBES)


def test_a_wrapped_function_looks_the_same(recording):
    before = {probe: looks(function_of(probe)) for probe in PROBES}
    recording()
    assert {probe: looks(function_of(probe)) for probe in PROBES} == before


def test_what_was_taken_earlier_is_watched(provider, recording):
    client = made(provider.url)
    f = resources(client)
    chat = f.chat(model="gemini-2.5-flash")
    stream = f.stream(**ASK)
    recording(chunks="off")
    f.generate(**ASK)
    chat.send_message("Hello")
    assert "".join(chunk.text or "" for chunk in stream) == HELLO
    assert recording.log().actions == ["prompt", "completion"] * 3
    client.close()


def test_a_call_begun_while_enabled_is_recorded_after_disable(provider, recording):
    client = made(provider.url)
    recording()
    stream = resources(client).stream(**ASK)
    hilt_autolog.disable()
    assert "".join(chunk.text or "" for chunk in stream) == HELLO
    assert recording.log().events == []
    client.close()


def test_a_name_that_a_future_sdk_has_not():
    probe = PatchTarget("google.genai._api_client", "BaseApiClient", "request_beamed", "call")
    assert patch(google_genai.PROVIDER, probe, lambda *_: None) is None
    assert (
        patch(google_genai.PROVIDER, probe._replace(module="google.genai.nowhere"), lambda *_: None) is None
    )


def test_the_readers_of_a_future_sdk_have_other_names(provider, recording, monkeypatch):
    readers = tuple(probe._replace(name=f"{probe.name}_2") for probe in google_genai.Genai.targets[4:])
    monkeypatch.setattr(google_genai.Genai, "targets", (*google_genai.Genai.targets[:4], *readers))
    client = made(provider.url)
    recording()
    client.models.generate_content(**ASK)
    assert recording.log().actions == ["prompt", "completion"]
    lacking = [
        name for name, is_there in hilt_autolog.status().watching["google.genai"].items() if is_there is False
    ]
    assert lacking == [f"{probe.module}:{probe.owner}.{probe.name}" for probe in readers]
    client.close()


def test_clients_are_copied_the_same(recording):
    def copied():
        client = made()
        return [type(copy.copy(client.models)), sorted(vars(client)), sorted(vars(client.models))]

    alone = copied()
    recording()
    assert copied() == alone
    assert type(_api_client.BaseApiClient.request_streamed).__name__ == "BoundFunctionWrapper"


IMPORTS = """
import sys, warnings
warnings.simplefilter("ignore")
{before}
import {sdk}
{after}
print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("google", "grpc", "aiohttp")))
"""
SWITCH = "import hilt_autolog; hilt_autolog.enable(path={path!r})"


@pytest.mark.parametrize("sdk", ["google.genai", "google.generativeai"])
@pytest.mark.parametrize("door", ["before", "after"])
def test_nothing_is_imported_that_the_program_has_not(tmp_path, sdk, door):
    switch = SWITCH.format(path=str(tmp_path / "log.hilt.jsonl"))
    doors = {"before": "", "after": ""} | {door: switch}
    scripts = [IMPORTS.format(sdk=sdk, before="", after=""), IMPORTS.format(sdk=sdk, **doors)]
    alone, watched = (
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
        for script in scripts
    )
    assert watched.stdout == alone.stdout
    assert watched.stderr == alone.stderr


@pytest.mark.parametrize("sdk", ["google.genai", "google.generativeai"])
def test_the_real_sdk_has_them_all(sdk):
    provider = providers_of(sdk)[0]
    for probe in provider.targets:
        assert hasattr(getattr(sys.modules[probe.module], probe.owner), probe.name)
