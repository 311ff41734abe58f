"""The rate of requests to Google, and the waits after failures."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

from hilt_autolog.sinks.rate_limiter import PAUSE, RateLimiter
from hilt_autolog.sinks.uploader import SheetUploader
from tests.support.sheets import event, target_of, write


class Clock:
    """A clock that only sleeping moves on."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(round(seconds, 6))
        self.now += seconds


def test_one_call_in_1_1_seconds_at_most():
    clock = Clock()
    pace = RateLimiter(clock.sleep, monotonic=clock)
    passed = []
    for work in (0.0, 0.3, 0.0, 5.0, 1.1, 0.0):
        pace()
        passed.append(round(clock.now - 1000, 6))
        clock.now += work
    assert passed == [0.0, 1.1, 2.2, 3.3, 8.3, 9.4]
    assert PAUSE * 55 > 60  # of 60 in a minute


def test_a_sleep_that_ends_early_is_slept_on():
    clock = Clock()
    pace = RateLimiter(lambda seconds: clock.sleep(min(seconds, 0.5)), monotonic=clock)
    pace()
    pace()
    assert clock.slept == [0.5, 0.5, 0.1]


def test_waits_after_failures_grow_and_have_jitter():
    clock = Clock()
    waits = [
        [RateLimiter(clock.sleep, monotonic=clock).backoff(failures) for _ in range(50)]
        for failures in range(1, 30)
    ]
    bounds = [(min(found), max(found)) for found in waits]
    assert [low >= 1.1 for low, _ in bounds] == [True] * 29
    assert [high <= 60 for _, high in bounds] == [True] * 29
    assert bounds[0][1] <= 2.2
    assert bounds[-1][0] >= 30
    assert len(set(itertools.chain(*waits))) > 1000


def test_every_request_for_rows_is_rate_limited(sheet, monkeypatch):
    turns = []
    turn = RateLimiter.__call__
    monkeypatch.setattr(
        RateLimiter, "__call__", lambda self: (turn(self), turns.append(len(sheet.google.calls)))
    )
    log = write("a.hilt.jsonl", [event(f"{n}") for n in range(3500)])
    sheet.google.failures.append("503 after")
    uploader = SheetUploader(str(Path(log).absolute()), target_of(sheet), lambda: sheet.key, pause=0.1)
    began = time.monotonic()
    uploader.start()
    uploader.finish(idle_timeout=10.0)
    assert len(sheet.rows()) == 3500
    of_rows = [n for n, call in enumerate(sheet.google.calls) if ":append" in call or "!C1:C" in call]
    assert turns == of_rows
    assert len(turns) == 5
    assert time.monotonic() - began >= 4 * 0.1
