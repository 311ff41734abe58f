from __future__ import annotations

import asyncio
import gc
import signal
from pathlib import Path

import openai
import pytest

import hilt_autolog
from hilt_autolog.io.session import Session
from tests.support.calling import Log

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def provider():
    """A provider on this machine that answers at once; see examples/offline_provider.py."""
    from offline_provider import OfflineProvider

    with OfflineProvider(pause=0.0, slow=2.0) as running:
        yield running


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded traffic and references, which not every checkout has beside it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder ../shared, which is not part of the repository")
    return folder


@pytest.fixture(autouse=True)
def strict(monkeypatch):
    """Errors of our own are raised, so that a test fails by them."""
    monkeypatch.setenv("HILT_STRICT", "1")


@pytest.fixture(scope="session")
def frozen():
    """Modules are frozen for the garbage collector, so that a collection is quick."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def recording(tmp_path):
    """Enable recording, and read the log: `recording(chunks="off"); ...; recording.log().normalized()`."""
    path = tmp_path / "log.hilt.jsonl"

    def enable(**settings):
        return hilt_autolog.enable(path=str(path), **settings)

    vars(enable).update(path=path, log=lambda: Log(path))
    yield enable
    hilt_autolog.disable()


@pytest.fixture(scope="session")
def runner():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def session(tmp_path):
    """A session over a file of this test's own."""
    with Session(tmp_path / "session.hilt.jsonl") as session:
        yield session


@pytest.fixture
def client(provider):
    """A client of the OpenAI SDK over a socket."""
    with openai.OpenAI(api_key="x", base_url=provider.base_url, max_retries=0) as client:
        yield client


@pytest.fixture
def async_client(provider, runner):
    """The same, asynchronous."""
    client = openai.AsyncOpenAI(api_key="x", base_url=provider.base_url, max_retries=0)
    yield client
    runner.run(client.close())


def pytest_configure():
    """Let signals do what they do by default: what is started in the background (`&`, nohup) ignores some."""
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
