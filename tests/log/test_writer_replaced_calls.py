"""Programs and their test tools replace functions of `os` and `time`; the log goes on."""

from __future__ import annotations

import importlib
import pkgutil

import hilt_autolog
from hilt_autolog import io as wing
from tests.support.writers import events, run

REPLACED = """
    import builtins, posixpath, time, types

    def forbidden(*args, **given):
        raise AssertionError("the program has replaced this")

    calls = "open write read fstat stat lstat lseek ftruncate close mkdir unlink getcwd getpid geteuid"
    real = {getattr(os, name) for name in calls.split()} | {os.fstatvfs}
    real |= {time.time, time.time_ns, time.monotonic, time.sleep, time.gmtime, time.strftime, builtins.open}
    for module in list(sys.modules.values()):
        for name, value in list(vars(module).items()):
            if isinstance(value, types.BuiltinFunctionType) and value in real:
                setattr(module, name, forbidden)
"""


def test_everything_replaced_at_once(tmp_path):
    """As pyfakefs, freezegun and blockbuster do it: in `os` and `time`, and by identity in every module."""
    script = f"""{REPLACED}
    assert log.write({{"n": 1}})
    log.close()
    assert log.write({{"n": 2}})
    assert log.trouble is None
    """
    done = run(tmp_path, script)
    assert (done.stderr, done.returncode) == ("", 0)
    (path,) = tmp_path.rglob("*.hilt.jsonl")
    assert events(path) == [{"n": 1}, {"n": 2}]


def test_the_replacements_would_be_noticed(tmp_path):
    """The test above can fail: what it replaces is what the writer would call otherwise."""
    done = run(tmp_path, f"{REPLACED}\n    os.write(1, b'x')")
    assert "the program has replaced this" in done.stderr


def test_pyfakefs_freezegun_blockbuster(tmp_path):
    script = """
    from blockbuster import blockbuster_ctx
    from freezegun import freeze_time
    from pyfakefs.fake_filesystem_unittest import Patcher
    with Patcher(), freeze_time("2001-01-01"), blockbuster_ctx():
        assert log.write({"n": 1})
    """
    done = run(tmp_path, script)
    assert (done.stderr, done.returncode) == ("", 0)
    (path,) = tmp_path.rglob("*.hilt.jsonl")
    assert events(path) == [{"n": 1}]


def test_no_module_of_this_wing_looks_calls_up_late():
    names = {"write", "fstat", "ftruncate", "monotonic", "sleep"}
    for module in pkgutil.iter_modules(wing.__path__, f"{wing.__name__}."):
        found = vars(importlib.import_module(module.name))
        assert not names & {name for name, value in found.items() if callable(value)}, module.name
    assert hilt_autolog.__version__
