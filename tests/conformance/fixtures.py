"""Fixtures of every test that records real calls; a conftest imports what its tests need."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace

import openai
import pytest
from conformance.kit import Log, agree, functions, outcome, run_sync

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
    """By kind, how to run a coroutine, and how to make a client; all of a kind share their connections."""
    options = {"api_key": "x", "base_url": provider.base_url, "max_retries": 0}
    sync_client = openai.OpenAI(**options)
    async_client = openai.AsyncOpenAI(**options)
    yield {
        "sync": SimpleNamespace(run=run_sync, make=sync_client.copy),
        "async": SimpleNamespace(run=runner.run, make=async_client.copy),
    }
    sync_client.close()
    runner.run(async_client.close())


@pytest.fixture
def compare(clients, provider, watch):
    """Do the same without us and with us, and hold what the program sees together; returns the log.

    The log knows besides what the program has `seen`, and the body that it `sent`.
    """

    def compared(kind, doing, call, arguments, **options):
        client = clients[kind]
        case = (client.run, doing, functions(client.make(**options), call), arguments)
        alone = outcome(*case)
        watch()
        agree(alone, outcome(*case))
        log = watch.log()
        log.seen, log.sent = alone[0], provider.requests[-1].body
        return log

    return compared
