"""Fixtures of every test that records real calls; a conftest imports what its tests need."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace

import pytest
from conformance.kit import Log, agree, functions, outcome, run_sync
from conformance.sdks import OPENAI, SDKS

import hilt_autolog


@pytest.fixture(autouse=True)
def strict(monkeypatch):
    """Our own faults are raised, so that a test sees them."""
    monkeypatch.setenv("HILT_STRICT", "1")


@pytest.fixture(scope="session")
def frozen():
    """What was imported is not looked at again: a collection takes no time then."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def watch(tmp_path):
    """Switch on, and read the log afterwards: `with watch() as log: ...; log().told()`."""
    path = tmp_path / "log.hilt.jsonl"

    def enable(**settings):
        return hilt_autolog.enable(path=str(path), **settings)

    enable.path = path
    enable.log = lambda: Log(path)
    yield enable
    hilt_autolog.disable()


@pytest.fixture(scope="session")
def runner():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def clients(provider, runner):
    """By kind, how to run a coroutine, and how to make an SDK's client; all of a kind share connections."""
    first = {
        (kind, name): make(api_key="x", base_url=provider.url + sdk.base, max_retries=0)
        for name, sdk in SDKS.items()
        for kind, make in sdk.clients.items()
    }

    def making(kind):
        return lambda sdk=OPENAI, **options: first[kind, sdk.name].copy(**options)

    yield {
        "sync": SimpleNamespace(run=run_sync, make=making("sync")),
        "async": SimpleNamespace(run=runner.run, make=making("async")),
    }
    for (kind, _), client in first.items():
        runner.run(client.close()) if kind == "async" else client.close()


@pytest.fixture
def compare(clients, provider, watch):
    """Do the same without us and with us, and hold what the program sees together; returns the log.

    The log knows besides what the program has `seen`, and the body that it `sent`.
    """

    def compared(kind, doing, call, arguments, sdk=OPENAI, **options):
        client = clients[kind]
        case = (client.run, doing, functions(client.make(sdk, **options), call), arguments)
        alone = outcome(*case)
        watch()
        agree(alone, outcome(*case))
        log = watch.log()
        log.seen, log.sent = alone[0], provider.requests[-1].body
        return log

    return compared
