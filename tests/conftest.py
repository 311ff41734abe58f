from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "examples"))


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


def pytest_configure():
    """Let signals do what they do by default: what is started in the background (`&`, nohup) ignores some."""
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
