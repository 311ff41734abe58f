"""How often Google is asked."""

from __future__ import annotations

import itertools
from pathlib import Path

from kit import event, target_of, write

from hilt_autolog.sinks.feed import Feed
from hilt_autolog.sinks.pace import PAUSE, Pace


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
    pace = Pace(clock.sleep, monotonic=clock)
    passed = []
    for work in (0.0, 0.3, 0.0, 5.0, 1.1, 0.0):
        pace()
        passed.append(round(clock.now - 1000, 6))
        clock.now += work
    assert passed == [0.0, 1.1, 2.2, 3.3, 8.3, 9.4]
    assert PAUSE * 55 > 60  # of 60 in a minute


def test_a_sleep_that_ends_early_is_slept_on():
    clock = Clock()
    pace = Pace(lambda seconds: clock.sleep(min(seconds, 0.5)), monotonic=clock)
    pace()
    pace()
    assert clock.slept == [0.5, 0.5, 0.1]


def test_after_a_failure_it_waits_longer_each_time_and_no_two_processes_the_same():
    clock = Clock()
    waits = [
        [Pace(clock.sleep, monotonic=clock).after(failures) for _ in range(50)] for failures in range(1, 30)
    ]
    bounds = [(min(found), max(found)) for found in waits]
    assert [low >= 1.1 for low, _ in bounds] == [True] * 29
    assert [high <= 60 for _, high in bounds] == [True] * 29
    assert bounds[0][1] <= 2.2
    assert bounds[-1][0] >= 30
    assert len(set(itertools.chain(*waits))) > 1000


def test_a_feed_keeps_to_its_pace(sheet):
    log = write("a.hilt.jsonl", [event(f"{n}") for n in range(3500)])
    sheet.google.failures.append("503 after")
    feed = Feed(str(Path(log).absolute()), target_of(sheet), lambda: sheet.key, pause=0.3)
    feed.start()
    feed.finish(patience=10.0)
    times = [when for when, _, _ in sheet.google.appended]
    assert len(times) == 4
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 0.2
    assert len(sheet.rows()) == 3500
