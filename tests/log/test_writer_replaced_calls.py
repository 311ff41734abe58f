"""Programs and their test tools replace functions of `os` and `time`; the log goes on."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from hilt_autolog import log, reading
from tests.support.writers import events, run

REPLACED = """
    import builtins, posixpath, time, types

    def forbidden(*args, **kwargs):
        raise AssertionError("the program has replaced this")

    calls = "open write read fstat stat lstat lseek ftruncate close mkdir unlink getcwd getpid geteuid"
    real = {getattr(os, name) for name in calls.split()} | {os.fstatvfs}
    real |= {time.time, time.time_ns, time.monotonic, time.sleep, time.gmtime, time.strftime, builtins.open}
    for module in list(sys.modules.values()):
        for name, value in list(vars(module).items()):
            if isinstance(value, types.BuiltinFunctionType) and value in real:
                setattr(module, name, forbidden)
"""


@pytest.mark.untraced  # a tracer uses what is replaced here
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


@pytest.mark.parametrize("package", [log, reading])
def test_no_module_imports_such_functions_by_name(package):
    names = {"write", "fstat", "ftruncate", "monotonic", "sleep"}
    modules = [*pkgutil.iter_modules(package.__path__, f"{package.__name__}.")]
    assert len(modules) > 5
    for module in modules:
        functions = {
            name for name, value in vars(importlib.import_module(module.name)).items() if callable(value)
        }
        assert not names & functions, module.name
