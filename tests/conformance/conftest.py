from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.support.calling import agree, functions, outcome, run_sync
from tests.support.sdks import OPENAI, SDKS


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
def compare(clients, provider, recording):
    """Do the same without us and with us, and hold what the program sees together; returns the log.

    The log knows besides what the program has `seen`, and the body that it `sent`.
    """

    def compared(kind, doing, call, arguments, sdk=OPENAI, **options):
        client = clients[kind]
        case = (client.run, doing, functions(client.make(sdk, **options), call), arguments)
        alone = outcome(*case)
        recording()
        agree(alone, outcome(*case))
        log = recording.log()
        log.seen, log.sent = alone[0], provider.requests[-1].body
        return log

    return compared
