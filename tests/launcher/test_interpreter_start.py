"""What HILT_AUTOLOG does to an interpreter's start: as little as can be, and never harm."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import wheels

if TYPE_CHECKING:
    from types import ModuleType

FINDERS = "[type(f).__module__ for f in sys.meta_path].count('hilt_autolog.instrumentation.import_hook')"
COUNT = f"import sys; print({FINDERS})"
STAND_IN = """
import sys, types
calls = []
switch = sys.modules["hilt_autolog.runtime.control"] = types.ModuleType("hilt_autolog.runtime.control")
switch.enable = lambda: calls.append(sorted(m for m in ("fakesdk", "fakecloud.models") if m in sys.modules))
"""


@pytest.fixture
def app(tmp_path):
    """A program's folder with two SDKs in it, one inside a namespace package."""
    (tmp_path / "fakesdk.py").write_text("answer = 42\n")
    (tmp_path / "fakecloud").mkdir()
    (tmp_path / "fakecloud" / "models.py").touch()

    def write(text: str) -> str:
        (tmp_path / "app.py").write_text(text)
        return "app.py"

    return write


@pytest.fixture
def started(monkeypatch) -> ModuleType:
    """The start-up file's module, by itself."""
    file = wheels.ROOT / "hilt_autolog" / "launcher" / "startup" / "_hilt_autolog_start.py"
    spec = importlib.util.spec_from_file_location("_hilt_autolog_start", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("value", ["1", "true", "yes", "on", "TRUE", " On "])
def test_the_variable_switches_on(value, installed, run):
    assert run(installed, "-c", COUNT, HILT_AUTOLOG=value).stdout == "1\n"


@pytest.mark.parametrize("value", ["", "0", "false", "no", "off", "Off", "maybe", "2"])
def test_the_variable_leaves_off(value, installed, run):
    assert run(installed, "-c", COUNT, HILT_AUTOLOG=value).stdout == "0\n"


def test_without_the_variable_it_is_off(installed, run):
    assert run(installed, "-c", COUNT).stdout == "0\n"


@pytest.mark.parametrize(
    ("flag", "finders"),
    [
        ("-E", 0),
        ("-I", 0),
        ("-S", 0),
        ("-s", 1),
        ("-P", 1),
        ("-O", 1),
        ("-B", 1),
        ("-Xdev", 1),
        ("-Werror", 1),
    ],
)
def test_python_s_own_flags_are_obeyed(flag, finders, installed, run):
    done = run(installed, flag, "-c", COUNT, HILT_AUTOLOG="1")
    assert (done.stdout, done.stderr) == (f"{finders}\n", "")


def test_a_set_uid_process_ignores_its_environment(started, monkeypatch):
    monkeypatch.setenv("HILT_AUTOLOG", "1")
    assert started._is_enabled()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert not started._is_enabled()


def test_it_runs_once_though_site_reads_the_file_twice(installed, run):
    program = f"import site, sys; site.main(); print({FINDERS}, len(sys.meta_path[0].callbacks))"
    assert run(installed, "-c", program, HILT_AUTOLOG="1").stdout == "1 1\n"


def test_it_runs_once_below_a_forked_or_spawned_child(installed, app, run):
    program = app(f"""
import multiprocessing, os, subprocess, sys
def count(): print({FINDERS}, len(sys.meta_path[0].callbacks), flush=True)
if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        child = multiprocessing.get_context(method).Process(target=count)
        child.start(); child.join()
    subprocess.run([sys.executable, "-c", "from app import count; count()"])
""")
    assert run(installed, program, HILT_AUTOLOG="1").stdout == "1 1\n" * 4


def test_nothing_but_our_own_modules_is_loaded(installed, bare, run):
    program = "import sys; print(sorted(sys.modules))"
    plain = set(ast.literal_eval(run(bare, "-c", program).stdout))
    off = set(ast.literal_eval(run(installed, "-c", program).stdout))
    on = set(ast.literal_eval(run(installed, "-c", program, HILT_AUTOLOG="1").stdout))
    assert off - plain == {"_hilt_autolog_start"}
    assert on - plain == {
        "_hilt_autolog_start",
        "hilt_autolog",
        "hilt_autolog.instrumentation",
        "hilt_autolog.instrumentation.import_hook",
        "hilt_autolog.providers",
    }


def test_no_file_no_thread_and_no_descriptor_is_left_open(installed, bare, run, tmp_path):
    program = "import os, _thread; print(sorted(os.listdir('/proc/self/fd')), _thread._count())"
    assert run(installed, "-c", program, HILT_AUTOLOG="1").stdout == run(bare, "-c", program).stdout
    assert list(tmp_path.iterdir()) == []


def test_the_programs_site_files_run_and_sys_path_is_unchanged(installed, run, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('sitecustomize')")
    program = "import os, sys; print(sys.path, sorted(os.environ), sys.argv, sys.flags)"
    variables = {"PYTHONPATH": str(tmp_path)}
    off = run(installed, "-c", program, HILT_AUTOLOG="0", **variables)
    on = run(installed, "-c", program, HILT_AUTOLOG="1", **variables)
    assert on.stdout.startswith("sitecustomize\n")
    assert on.stdout == off.stdout


BREAKS = [
    "raise SystemExit(3)",
    "raise MemoryError",
    "raise RecursionError",
    "raise ImportError('gone')",
    "raise OSError(24, 'Too many open files')",
    "raise GeneratorExit",
    "raise BaseException('base')",
    "raise UnicodeDecodeError('utf-8', b'x', 0, 1, 'bad')",
    "1 / 0",
    "this is not Python",
    "del __path__",
    "__path__ = []",
    "import sys; del sys.modules['hilt_autolog']",
    "import sys; sys.modules['hilt_autolog'] = None",
    "def f(): f()\nf()",
]


@pytest.mark.parametrize("broken", BREAKS)
def test_whatever_breaks_in_it_a_program_starts_as_without_it(broken, installed, run, tmp_path):
    package = tmp_path / "shadow" / "hilt_autolog"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(broken)
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"
    shadowed = run(installed, "-c", program, HILT_AUTOLOG="1", PYTHONPATH=str(package.parent))
    assert (shadowed.returncode, shadowed.stdout, shadowed.stderr) == (7, "out\n", "err\n")


@pytest.mark.parametrize(
    "error", [SystemExit(3), MemoryError(), RecursionError(), OSError(), BaseException()]
)
@pytest.mark.parametrize("place", ["providers.sdks", "instrumentation.import_hook.when_imported"])
def test_nothing_escapes_from_run(place, error, started, monkeypatch):
    def fail(*_):
        raise error

    monkeypatch.setenv("HILT_AUTOLOG", "1")
    monkeypatch.setattr(f"hilt_autolog.{place}", fail)
    started.run()


def test_ctrl_c_escapes_from_run(started, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setenv("HILT_AUTOLOG", "1")
    monkeypatch.setattr("hilt_autolog.providers.sdks", interrupt)
    with pytest.raises(KeyboardInterrupt):
        started.run()


def test_a_run_that_failed_may_succeed_later(started, monkeypatch):
    monkeypatch.setenv("HILT_AUTOLOG", "1")
    waits = []
    monkeypatch.setattr(
        "hilt_autolog.instrumentation.import_hook.when_imported", lambda *_: waits.append("wait")
    )
    with monkeypatch.context() as gone:
        gone.setitem(sys.modules, "hilt_autolog.instrumentation.import_hook", None)
        started.run()
    assert waits == []
    started.run()
    started.run()
    assert waits == ["wait"]


def test_the_enable_switches_on_and_the_switch_takes_over(installed, app, run):
    program = app(f"""{STAND_IN}
import json, fakesdk
print(calls, {FINDERS}, fakesdk.answer, fakesdk.__spec__.loader is fakesdk.__loader__)
import fakecloud.models
print(calls)
""")
    done = run(installed, program, HILT_AUTOLOG="1")
    assert (done.stdout, done.stderr) == ("[['fakesdk']] 0 42 True\n[['fakesdk']]\n", "")


def test_an_sdk_in_a_namespace_package_switches_on(installed, app, run):
    program = app(f"{STAND_IN}\nimport fakecloud\nprint(calls)\nfrom fakecloud import models\nprint(calls)")
    assert run(installed, program, HILT_AUTOLOG="1").stdout == "[]\n[['fakecloud.models']]\n"


def test_switched_off_an_sdk_s_import_loads_nothing_of_ours(installed, app, run):
    program = app("import fakesdk, sys; print([m for m in sys.modules if m.startswith('hilt')])")
    assert run(installed, program).stdout == "[]\n"


def test_a_failing_enable_does_not_fail_the_import(installed, app, run):
    program = app(f"""{STAND_IN}
def enable():
    calls.append(1)
    raise RuntimeError("broken")
switch.enable = enable
import fakesdk, fakecloud.models
print(fakesdk.answer, calls)
""")
    done = run(installed, program, HILT_AUTOLOG="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "42 [1, 1]\n", "")


def test_a_program_can_disable_before_the_enable(installed, app, run):
    program = app(f"""{STAND_IN}
from hilt_autolog.instrumentation import import_hook
import_hook.remove_hooks()
import fakesdk
print(calls, {FINDERS})
""")
    assert run(installed, program, HILT_AUTOLOG="1").stdout == "[] 0\n"
