"""An SDK in which a function that we wrap has another name: calls work, and are recorded where possible."""

from __future__ import annotations

import pytest

import hilt_autolog
from hilt_autolog.providers._stainless import StainlessProvider
from tests.support.apis import CHAT, MESSAGES
from tests.support.calling import HELLO, functions, run_sync
from tests.support.in_process import IN_PROCESS
from tests.support.ways import WAYS

APIS = {"openai": CHAT, "anthropic": MESSAGES}
PROBES = StainlessProvider(package="openai", routes={}, provider="openai", hosts=()).targets
ENDS = {"request": [], "_process_response": ["completion"], "__init__": ["completion"]}


@pytest.mark.parametrize("way", ["plain", "stream", "raw stream", "streaming.stream", "helper"])
@pytest.mark.parametrize("gone", [probe for probe in PROBES if not probe.owner.startswith("Async")])
@pytest.mark.parametrize("sdk", APIS)
def test_a_function_that_is_gone(recording, monkeypatch, sdk, gone, way):
    def probes(provider):
        for probe in there.__get__(provider):
            is_gone = probe[1:] == gone[1:]
            yield probe._replace(name=f"{probe.name}_of_old") if is_gone else probe

    def seen():
        items = []
        run_sync(WAYS[way](functions(IN_PROCESS[sdk].offline(), APIS[sdk].call), APIS[sdk].arguments, items))
        return items

    alone = seen()
    there = StainlessProvider.targets
    monkeypatch.setattr(StainlessProvider, "targets", property(probes))
    recording()
    assert seen() == alone
    missing = [probe for probe, is_there in hilt_autolog.status().watching[sdk].items() if not is_there]
    assert [probe.rpartition(".")[2] for probe in missing] == [f"{gone.name}_of_old"]
    ends = recording.log().of("completion")
    assert [end["action"] for end in ends] == ENDS[gone.name]
    if gone.name == "_process_response" and way in {"plain", "stream", "helper"}:
        assert ends[0]["content"] == {"text": HELLO}  # read from the SDK's own objects
