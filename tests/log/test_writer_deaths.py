"""What is on disk after each way for a process to end. Nothing may be missing, nothing torn."""

from __future__ import annotations

import signal

import pytest

from tests.support.writers import events, files, lines, run

THOUSAND = """
    for n in range(1000):
        assert log.write({"n": n, "text": "x" * 400})
"""

ENDS = {
    "exit": ("", 0),
    "unhandled exception": ("raise RuntimeError('as it happens')", 1),
    "sys.exit in a thread": ("t = threading.Thread(target=sys.exit); t.start(); t.join()", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "os._exit": ("os._exit(4)", 4),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    "abort": ("os.abort()", -signal.SIGABRT),
    "segfault": ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV),
    "exec": ("os.execv('/bin/true', ['true'])", 0),
}


@pytest.mark.parametrize(("end", "code"), ENDS.values(), ids=ENDS)
def test_all_events_survive(tmp_path, end, code):
    done = run(tmp_path, f"{THOUSAND}\n    {end}")
    assert done.returncode == code, done.stderr
    (path,) = files(tmp_path)
    assert lines(path)[0] == {"own": "opened"}
    assert [event["n"] for event in events(path)] == [*range(1000)]


def test_a_line_is_whole_or_the_last_after_a_kill(tmp_path):
    script = """
        import itertools
        threading.Timer(0.15, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
        for n in itertools.count():
            log.write({"n": n, "text": "x" * 200_000})
    """
    assert run(tmp_path, script).returncode == -signal.SIGKILL
    (path,) = files(tmp_path)
    whole, _, _torn = path.read_bytes().rpartition(b"\n")
    path.write_bytes(whole + b"\n")
    assert [event["n"] for event in events(path)] == [*range(len(events(path)))]


@pytest.mark.parametrize("place", ["atexit", "__del__ at the end", "daemon thread", "thread after main"])
def test_the_last_moments_are_recorded(tmp_path, place):
    script = {
        "atexit": "import atexit; atexit.register(log.close); atexit.register(log.write, {'n': 1})",
        "__del__ at the end": """
    class Late:
        def __init__(self, log): self.log = log
        def __del__(self): self.log.write({"n": 1})
    late = Late(log)
    late.itself = late
""",
        "daemon thread": """
    gone = threading.Event()
    def work():
        log.write({"n": 1})
        gone.set()
        threading.Event().wait()
    threading.Thread(target=work, daemon=True).start()
    gone.wait()
""",
        "thread after main": """
    import time
    threading.Thread(target=lambda: (time.sleep(0.1), log.write({"n": 1}))).start()
""",
    }[place]
    done = run(tmp_path, "    " + script.lstrip() if place == "atexit" else script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (path,) = files(tmp_path)
    assert events(path) == [{"n": 1}]
    assert (lines(path)[-1] == {"own": "closed"}) is (place == "atexit")
