from __future__ import annotations

import pytest
from conformance.fixtures import frozen, runner, strict, watch  # noqa: F401  for the tests
from conformance.kit import KINDS
from realtime.kit import Caller
from realtime.server import Server


@pytest.fixture(scope="session")
def listening():
    with Server() as server:
        yield server


@pytest.fixture
def server(listening):
    """The server, with its own script and nothing heard."""
    listening.play = None
    listening.spoken.clear()
    return listening


@pytest.fixture(params=KINDS)
def call(request, server, runner):  # noqa: F811  the fixture
    """Run a program over a connection, with each kind of client."""
    return Caller(request.param, server, runner)


@pytest.fixture
def sync_call(server, runner):  # noqa: F811  the fixture
    return Caller("sync", server, runner)
