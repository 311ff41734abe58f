from __future__ import annotations

import pytest

from tests.support.calling import KINDS
from tests.support.realtime import Caller
from tests.support.realtime_server import Server


@pytest.fixture(scope="session")
def listening():
    with Server() as server:
        yield server


@pytest.fixture
def server(listening):
    """The server, with its own script and no events yet."""
    listening.play = None
    listening.spoken.clear()
    return listening


@pytest.fixture(params=KINDS)
def call(request, server, runner):
    """Run a program over a connection, with each kind of client."""
    return Caller(request.param, server, runner)


@pytest.fixture
def sync_call(server, runner):
    return Caller("sync", server, runner)
