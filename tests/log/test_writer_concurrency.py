from __future__ import annotations

import sys
import threading
from collections import Counter

import pytest

from hilt_autolog.log.syscalls import Syscalls
from hilt_autolog.log.writer import AtomicCounter
from tests.support.writers import Clock, events, files, lines, run, writer

TEMPLATES = pytest.mark.parametrize("template", ["{pid}.hilt.jsonl", "fixed.hilt.jsonl"])


@pytest.fixture
def skip_stat():
    """Threads take turns a thousand times as often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def together(count, work):
    """Runs `work(i)` in threads that start at the same moment."""
    start = threading.Barrier(count)
    threads = [threading.Thread(target=lambda i=i: (start.wait(), work(i))) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@TEMPLATES
def test_threads_share_one_file_and_one_first_line(tmp_path, skip_stat, template):
    log = writer(tmp_path, template)
    together(32, lambda i: [log.write({"thread": i, "n": n}) for n in range(200)])
    log.close()
    (path,) = files(tmp_path)
    assert lines(path)[0] == {"own": "opened"}
    assert Counter(line["own"] for line in lines(path) if "own" in line) == {"opened": 1, "closed": 1}
    by_thread = {i: [event["n"] for event in events(path) if event["thread"] == i] for i in range(32)}
    assert by_thread == {i: [*range(200)] for i in range(32)}
    assert log.written == 32 * 200


def test_drops_are_counted_exactly_by_threads(tmp_path, skip_stat, monkeypatch):
    clock = Clock()
    log = writer(tmp_path, monotonic=clock)
    real = Syscalls.write
    turn = iter(range(10**9))

    def write(fd, data):
        if next(turn) % 3 == 0:
            raise OSError(28, "No space left on device")
        return real(fd, data)

    def work(_):
        for n in range(100):
            clock.now += 100
            outcomes.append(log.write({"n": n}))

    outcomes = []
    monkeypatch.setattr(Syscalls, "write", write)
    together(16, work)
    monkeypatch.setattr(Syscalls, "write", real)
    clock.now += 100
    assert log.write({})
    assert sum(log.drops.values()) == outcomes.count(False) > 0
    assert log.written == outcomes.count(True) + 1 == len(events(log.path))
    reported = [sum(line["counts"].values()) for line in lines(log.path) if line.get("own") == "dropped"]
    assert sum(reported) == outcomes.count(False)


def test_closing_among_writing_threads_loses_nothing(tmp_path, skip_stat):
    log = writer(tmp_path)
    together(8, lambda i: [log.close() if i == 0 else log.write({"thread": i, "n": n}) for n in range(200)])
    (path,) = files(tmp_path)
    assert len(events(path)) == 7 * 200 == log.written
    assert log.drops == {}


def test_processes_share_a_fixed_file(tmp_path):
    script = """
        from tests.support.writers import writer
        children = []
        for child in range(8):
            children.append(os.fork())
            if children[-1] == 0:
                log = writer(sys.argv[1], "fixed.hilt.jsonl")
                def work(i):
                    for n in range(100):
                        log.write({"who": f"{child}-{i}", "n": n, "text": "x" * (17 * n)})
                threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
                [thread.start() for thread in threads]
                [thread.join() for thread in threads]
                log.close()
                os._exit(0 if log.written == 400 else 1)
        assert all(os.waitpid(child, 0)[1] == 0 for child in children)
    """
    done = run(tmp_path, script)
    assert (done.stderr, done.returncode) == ("", 0)
    (path,) = files(tmp_path)
    assert Counter(event["who"] for event in events(path)) == {
        f"{child}-{i}": 100 for child in range(8) for i in range(4)
    }
    assert Counter(line["own"] for line in lines(path) if "own" in line) == {"opened": 8, "closed": 8}


def test_a_signal_handler_and_a_finaliser_that_write(tmp_path):
    script = """
        import gc, itertools, time
        counts = itertools.count(), itertools.count()
        class Cycle:
            def __init__(self): self.itself = self
            def __del__(self): log.write({"who": "del", "n": next(counts[1])})
        def handler(*_):
            log.write({"who": "signal", "n": next(counts[0])})
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
        gc.set_threshold(50)
        end = time.monotonic() + 1
        for n in itertools.count():
            if time.monotonic() > end:
                break
            Cycle()
            log.write({"who": "main", "n": n})
            if n % 50 == 0:
                log.close()
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.collect()
        print(n, next(counts[0]), next(counts[1]))
        assert log.drops == {}, log.drops
        log.close()
    """
    done = run(tmp_path, script)
    assert (done.stderr, done.returncode) == ("", 0)
    (path,) = files(tmp_path)
    main, signals, finalisers = map(int, done.stdout.split())
    assert Counter(event["who"] for event in events(path)) == {
        "main": main,
        "signal": signals,
        "del": finalisers,
    }
    assert min(main, signals, finalisers) > 100
    assert lines(path).count({"own": "opened"}) == 1


@pytest.mark.parametrize("call", ["mkdir", "open", "fstat", "write", "close"])
def test_an_event_during_the_opening_follows_the_first_line(tmp_path, monkeypatch, call):
    log = writer(tmp_path)
    real = getattr(Syscalls, call)
    nested = []

    def interrupted(*args, **kwargs):
        if not nested:
            nested.append(None)
            nested[0] = log.write({"n": "nested"})
        return real(*args, **kwargs)

    monkeypatch.setattr(Syscalls, call, interrupted)
    assert log.write({"n": "outer"})
    assert nested == [False]
    assert lines(log.path) == [{"own": "opened"}, {"n": "outer"}, {"n": "nested"}]
    assert (log.written, log.drops) == (2, {})
    assert len(files(tmp_path)) == 1


def test_nobody_waits_for_the_lock_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("hilt_autolog.log.writer._LOCK_TIMEOUT", 0.05)
    clock = Clock()
    log = writer(tmp_path, monotonic=clock)
    held, done = threading.Event(), threading.Event()

    def hold():
        with log._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert not log.write({"n": 0})
    monkeypatch.setattr("hilt_autolog.log.writer._LOCK_TIMEOUT", 60)
    assert not log.write({"n": 1})
    done.set()
    thread.join()
    clock.now += 1.1
    assert log.write({"n": 2})
    assert lines(log.path) == [{"own": "opened"}, {"own": "dropped", "counts": {"busy": 2}}, {"n": 2}]


def test_a_tally_is_exact(skip_stat):
    tally = AtomicCounter()
    together(32, lambda _: [tally.add() for _ in range(1000)])
    assert int(tally) == 32_000
