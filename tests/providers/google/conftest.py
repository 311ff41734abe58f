from __future__ import annotations

import pytest

from tests.support.calling import agree, outcome, run_sync
from tests.support.gemini import closed, made, resources

# What Google's SDKs warn of by themselves.
THEIRS = (
    "ignore:Inheritance class AiohttpClientSession",
    "ignore:The .* method is deprecated",
    "ignore:The argument `including_default_value_fields`",
    "ignore:(Async i|I)nteractions usage is experimental",
    "ignore:unclosed",
    "ignore:Exception ignored in. <socket",
    "ignore:.*google.generativeai",
    "ignore::DeprecationWarning:google",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if "/providers/google/" in item.nodeid:
            for theirs in THEIRS:
                item.add_marker(pytest.mark.filterwarnings(theirs))


@pytest.fixture(scope="session")
def clients(provider, runner):
    """By kind, how to run a coroutine, and what a client of this kind offers."""
    client = made(provider.url)
    yield {"sync": (run_sync, resources(client)), "async": (runner.run, resources(client.aio))}
    runner.run(closed(client))


@pytest.fixture
def compare(clients, provider, recording):
    """Do the same without us and with us, and hold what the program sees together; returns the log.

    The log knows besides what the program has `seen`, and the body that it `sent`.
    """

    def compared(kind, doing, arguments):
        run, offered = clients[kind]
        alone = outcome(run, doing, offered, arguments)
        recording()
        agree(alone, outcome(run, doing, offered, arguments))
        log = recording.log()
        log.seen, log.sent = alone[0], provider.requests[-1].body
        return log

    return compared
