from __future__ import annotations

import pytest

from tests.support.writers import events, files, lines, run

FORK = """
    {before}
    child = {fork}
    if child == 0:
        {hook}
        for n in range(10):
            assert log.write({{"who": "child", "n": n}})
        log.close()
        os._exit(0 if log.written == 10 else 1)
    assert os.waitpid(child, 0)[1] == 0
    log.write({{"who": "parent", "n": 1}})
    log.close()
"""
RAW = "__import__('ctypes').PyDLL(None).fork()"


@pytest.mark.parametrize("before", ["pass", "log.write({'who': 'parent', 'n': 0})"])
@pytest.mark.parametrize(
    ("fork", "hook"),
    [("os.fork()", "log.reset_after_fork()"), ("os.fork()", "pass"), (RAW, "pass")],
    ids=["with hook", "without hook", "raw"],
)
def test_a_forked_child_opens_its_own_file(tmp_path, before, fork, hook):
    done = run(tmp_path, FORK.format(before=before, fork=fork, hook=hook))
    assert (done.stderr, done.returncode) == ("", 0)
    parent, child = sorted(files(tmp_path), key=lambda path: events(path)[0]["who"], reverse=True)
    assert [event["n"] for event in events(child)] == [*range(10)]
    assert {event["who"] for event in events(parent)} == {"parent"}
    for path in (parent, child):
        assert [line["own"] for line in lines(path) if "own" in line] == ["opened", "closed"]


def test_a_child_shares_a_fixed_file(tmp_path):
    script = """
        from tests.support.writers import writer
        log = writer(sys.argv[1], "app.hilt.jsonl")
        log.write({"n": 0})
        children = []
        for n in range(4):
            children.append(os.fork())
            if children[-1] == 0:
                for _ in range(100):
                    log.write({"n": n})
                os._exit(0)
        assert all(os.waitpid(child, 0)[1] == 0 for child in children)
    """
    done = run(tmp_path, script)
    assert (done.stderr, done.returncode) == ("", 0)
    (path,) = files(tmp_path)
    assert len(events(path)) == 401
    assert lines(path).count({"own": "opened"}) == 5


def test_only_the_parents_descriptor_is_closed_in_the_child(tmp_path):
    script = """
        log.write({})
        fd = log._file._fd
        if os.fork() == 0:
            log.reset_after_fork()
            try:
                os.fstat(fd)
            except OSError:
                os._exit(7)
        assert os.wait()[1] >> 8 == 7
        if os.fork() == 0:
            os.dup2(os.open("/dev/null", os.O_RDONLY), fd)
            log.reset_after_fork()
            os.fstat(fd)
            os._exit(7)
        assert os.wait()[1] >> 8 == 7
    """
    done = run(tmp_path, script)
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_fork_while_another_thread_holds_the_lock(tmp_path):
    script = """
        from hilt_autolog.log import file_opening
        inside, real = threading.Event(), file_opening.LogFileOpener.open
        def stuck(*args):
            if threading.current_thread() is threading.main_thread():
                return real(*args)
            inside.set()
            threading.Event().wait()
        file_opening.LogFileOpener.open = stuck
        threading.Thread(target=log.write, args=({},), daemon=True).start()
        inside.wait()
        if os.fork() == 0:
            signal.alarm(2)
            log.reset_after_fork()
            os._exit(0 if log.write({"n": 1}) else 1)
        assert os.wait()[1] == 0
        os._exit(0)
    """
    done = run(tmp_path, script)
    assert (done.stderr, done.returncode) == ("", 0)
    (path,) = files(tmp_path)
    assert events(path) == [{"n": 1}]


def test_an_executed_program_does_not_inherit_the_descriptor(tmp_path):
    script = """
        log.write({})
        import subprocess
        shell = ["/bin/sh", "-c", f"! test -e /proc/self/fd/{log._file._fd}"]
        subprocess.run(shell, close_fds=False, check=True)
    """
    done = run(tmp_path, script)
    assert (done.stderr, done.returncode) == ("", 0)
