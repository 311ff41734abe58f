"""The finder that waits for modules: what is reported, when, and what the module and other finders notice."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hilt_autolog import providers
from hilt_autolog.instrumentation import import_hook
from tests.support import wheels


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Make modules by their full names; they and our finders are gone after the test."""
    monkeypatch.syspath_prepend(tmp_path)
    made: list[str] = []

    def make(name: str, text: str = "") -> str:
        file = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        importlib.invalidate_caches()
        made.append(name.partition(".")[0])
        return name

    yield make
    import_hook.remove_hooks()
    for name in [name for name in sys.modules if name.partition(".")[0] in made]:
        del sys.modules[name]


@pytest.fixture
def reported() -> list[str]:
    return []


def ours() -> list[Any]:
    return [finder for finder in sys.meta_path if type(finder).__module__ == import_hook.__name__]


def test_an_import_is_reported_once_the_module_is_executed(module):
    module("fresh", "first = 1\nlast = 2\n")
    seen = []
    import_hook.when_imported(["fresh"], lambda name: seen.append((name, sys.modules[name].last)))
    assert importlib.import_module("fresh").first == 1
    assert seen == [("fresh", 2)]
    importlib.import_module("fresh")
    assert seen == [("fresh", 2)]


def test_other_modules_are_not_reported(module, reported):
    module("other", "import nested_other")
    module("nested_other")
    import_hook.when_imported(["fresh", "nested"], reported.append)
    importlib.import_module("other")
    assert reported == []


def test_a_module_that_is_there_already_is_not_reported(module, reported):
    importlib.import_module(module("early"))
    import_hook.when_imported(["early"], reported.append)
    importlib.import_module("early")
    assert reported == []


def test_reload_and_a_second_import_are_reported_again(module, reported):
    import_hook.when_imported([module("again")], reported.append)
    importlib.reload(importlib.import_module("again"))
    del sys.modules["again"]
    importlib.import_module("again")
    assert reported == ["again"] * 3


def test_a_module_inside_a_namespace_package_is_reported(module, reported):
    import_hook.when_imported([module("space.inner.sdk"), "space"], reported.append)
    importlib.import_module("space.inner.sdk")
    assert reported == ["space.inner.sdk"]


def test_a_package_is_reported_after_the_modules_that_it_imports(module, reported):
    module("pack.__init__", "import pack.part")
    module("pack.part")
    import_hook.when_imported(["pack", "pack.part"], reported.append)
    importlib.import_module("pack")
    assert reported == ["pack.part", "pack"]


def test_a_module_has_its_own_loader_during_and_after_execution(module, reported):
    import_hook.when_imported([module("clean", "during = __loader__, __spec__.loader")], reported.append)
    clean = importlib.import_module("clean")
    loaders = {*clean.during, clean.__loader__, clean.__spec__.loader}
    assert [type(loader) for loader in loaders] == [importlib.machinery.SourceFileLoader]
    assert reported == ["clean"]


def test_a_spec_that_is_only_looked_at_answers_as_ever(module, reported):
    import_hook.when_imported([module("looked", "x = 1\n")], reported.append)
    spec = importlib.util.find_spec("looked")
    assert spec.loader.get_source("looked") == "x = 1\n"
    assert spec.loader.path == spec.origin
    assert not spec.loader.is_package("looked")
    assert reported == []


def test_a_fault_of_ours_does_not_fail_the_import(module, reported, capfd):
    def fail(name: str) -> None:
        raise RuntimeError(name)

    import_hook.when_imported([module("sound", "x = 1")], fail)
    import_hook.when_imported(["sound"], reported.append)
    assert importlib.import_module("sound").x == 1
    assert reported == ["sound"]
    assert capfd.readouterr() == ("", "")


def test_a_failing_import_keeps_its_error_and_is_reported_later(module, reported):
    import_hook.when_imported([module("shaky", "raise LookupError('mine')")], reported.append)
    with pytest.raises(LookupError, match="mine"):
        importlib.import_module("shaky")
    assert reported == []
    assert "shaky" not in sys.modules
    module("shaky", "repaired = True  # longer than before")
    assert importlib.import_module("shaky").repaired
    assert reported == ["shaky"]


def test_a_module_that_does_not_exist_is_missed_as_ever(reported):
    undo = import_hook.when_imported(["no_such_sdk"], reported.append)
    with pytest.raises(ModuleNotFoundError) as missing:
        importlib.import_module("no_such_sdk")
    undo()
    assert (missing.value.name, str(missing.value)) == ("no_such_sdk", "No module named 'no_such_sdk'")


def test_a_module_that_replaces_itself_is_read_from_sys_modules(module):
    module("swap", "import sys, types\nsys.modules[__name__] = types.SimpleNamespace(live=True)")
    seen = []
    import_hook.when_imported(["swap"], lambda name: seen.append(sys.modules[name].live))
    importlib.import_module("swap")
    assert seen == [True]


def test_a_lazy_module_stays_lazy_and_is_reported_on_use(module, reported):
    import_hook.when_imported([module("lazy", "x = 1")], reported.append)
    spec = importlib.util.find_spec("lazy")
    spec.loader = loader = importlib.util.LazyLoader(spec.loader)
    lazy = sys.modules["lazy"] = importlib.util.module_from_spec(spec)
    loader.exec_module(lazy)
    assert reported == []
    assert lazy.x == 1
    assert reported == ["lazy"]
    assert type(lazy.__loader__) is importlib.machinery.SourceFileLoader


class Kind(ModuleType):
    """What a loader of somebody's makes of a module."""


class Maker:
    """A finder and loader of somebody's."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name == self.name else None

    def create_module(self, spec) -> Any:
        return Kind(spec.name)

    def exec_module(self, module):
        module.made_by = self


def test_a_loader_that_makes_its_own_modules_still_does(monkeypatch, reported):
    maker = Maker("handmade")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, maker])
    monkeypatch.delitem(sys.modules, "handmade", raising=False)
    import_hook.when_imported(["handmade"], reported.append)
    handmade: Any = importlib.import_module("handmade")
    assert (type(handmade), handmade.made_by, handmade.__loader__) == (Kind, maker, maker)
    assert reported == ["handmade"]
    import_hook.remove_hooks()


def test_a_loader_without_exec_module_is_left_alone(monkeypatch, reported):
    class Old:
        def find_spec(self, name, path=None, target=None):
            return importlib.machinery.ModuleSpec(name, self) if name == "old_fashioned" else None

        def load_module(self, name):
            return sys.modules.setdefault(name, Kind(name))

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Old()])
    import_hook.when_imported(["old_fashioned"], reported.append)
    with pytest.warns(ImportWarning):
        assert type(importlib.import_module("old_fashioned")) is Kind
    import_hook.remove_hooks()
    del sys.modules["old_fashioned"]


def test_what_another_finder_raises_reaches_the_program(monkeypatch, reported):
    class Refusing:
        def find_spec(self, name, path=None, target=None):
            if name == "refused":
                raise PermissionError(name)

    monkeypatch.setattr(sys, "meta_path", [Refusing()])
    undo = import_hook.when_imported(["refused"], reported.append)
    with pytest.raises(PermissionError, match="refused"):
        importlib.import_module("refused")
    undo()


class Chained:
    """The loader that another tool puts before a module's own."""

    def __init__(self, real) -> None:
        self.real = real

    def create_module(self, spec):
        return self.real.create_module(spec)

    def exec_module(self, module):
        self.real.exec_module(module)
        module.seen_by_another_tool = True


class Asking:
    """Another tool's finder, of the usual kind: it asks the whole list again and puts its loader first."""

    def __init__(self) -> None:
        self.busy = False
        self.asked: list[str] = []

    def find_spec(self, name, path=None, target=None):
        self.asked.append(name)
        if self.busy:
            return None
        self.busy = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.busy = False
        spec.loader = Chained(spec.loader)
        return spec


@pytest.mark.parametrize("place", [0, 1], ids=["in front of us", "behind us"])
def test_a_finder_that_walks_the_whole_meta_path_again_works(place, module, monkeypatch, reported):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    asking = Asking()
    import_hook.when_imported([module("shared")], reported.append)
    sys.meta_path.insert(place, asking)
    shared = importlib.import_module("shared")
    assert shared.seen_by_another_tool
    assert reported == ["shared"]
    assert asking.asked == ["shared"] * (3 - place)  # we get in front of it while it asks the list again
    import_hook.remove_hooks()


def test_a_finder_that_returns_one_spec_twice_is_wrapped_once(monkeypatch, reported):
    spec = importlib.machinery.ModuleSpec("kept", Maker("kept"))
    keeping: Any = ModuleType("keeping")
    keeping.find_spec = lambda name, path=None, target=None: spec if name == "kept" else None
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, keeping])
    import_hook.when_imported(["kept"], reported.append)
    importlib.util.find_spec("kept")
    importlib.import_module("kept")
    assert reported == ["kept"]
    import_hook.remove_hooks()
    del sys.modules["kept"]


def test_after_a_finder_that_came_later_we_are_first_again(module, monkeypatch, reported):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    import_hook.when_imported(["handmade"], reported.append)
    maker = Maker("handmade")
    sys.meta_path.insert(0, maker)
    importlib.import_module("handmade")  # theirs alone: we were not asked
    assert reported == []
    importlib.import_module(module("anything"))
    assert sys.meta_path[0] is ours()[0]
    assert sys.meta_path[1] is maker
    importlib.reload(sys.modules["handmade"])
    assert reported == ["handmade"]
    del sys.modules["handmade"]
    import_hook.remove_hooks()


def test_all_waits_share_one_finder_until_the_last_undo(module):
    before = list(sys.meta_path)
    first, second = [], []
    undo_first = import_hook.when_imported([module("both")], first.append)
    undo_second = import_hook.when_imported(["both"], second.append)
    assert sys.meta_path == [*ours(), *before]
    importlib.import_module("both")
    undo_first()
    undo_first()
    importlib.reload(sys.modules["both"])
    undo_second()
    assert (first, second) == (["both"], ["both", "both"])
    assert sys.meta_path == before


def test_an_import_under_way_goes_on_after_the_undo_unreported(module, reported, monkeypatch):
    undo = import_hook.when_imported(
        [module("midway", "import undoing\nundoing.now()\nx = 1")], reported.append
    )
    undoing: Any = ModuleType("undoing")
    undoing.now = undo
    monkeypatch.setitem(sys.modules, "undoing", undoing)
    assert importlib.import_module("midway").x == 1
    assert reported == []
    assert ours() == []


def test_a_wait_begun_during_a_modules_execution_is_reported_too(module, reported, monkeypatch):
    late: list[str] = []
    import_hook.when_imported([module("handover", "import waiting\nwaiting.now()")], reported.append)
    waiting: Any = ModuleType("waiting")
    waiting.now = lambda: import_hook.when_imported(["handover"], late.append)
    monkeypatch.setitem(sys.modules, "waiting", waiting)
    importlib.import_module("handover")
    assert (reported, late) == (["handover"], ["handover"])


def test_an_undo_during_the_report_keeps_the_other_waits(module, reported):
    undo = import_hook.when_imported([module("once")], lambda name: undo())
    import_hook.when_imported(["once"], reported.append)
    importlib.import_module("once")
    assert reported == ["once"]


def test_a_finder_that_has_left_does_not_come_back(module, reported):
    import_hook.when_imported([module("left")], reported.append)
    finder = ours()[0]
    import_hook.remove_hooks()
    assert finder.find_spec("left") is None  # a thread may be half-way through the old list
    assert ours() == []


def test_stop_waiting_undoes_every_wait(module, reported):
    import_hook.when_imported([module("stopped")], reported.append)
    import_hook.when_imported(["stopped"], reported.append)
    import_hook.remove_hooks()
    import_hook.remove_hooks()
    importlib.import_module("stopped")
    assert reported == []
    assert ours() == []


def test_no_lock_is_held_while_a_module_is_executed(module, reported):
    """A module whose import starts a thread that imports, and waits for it."""
    module("inner_sdk")
    import_hook.when_imported(["outer_sdk", "inner_sdk"], reported.append)
    module(
        "outer_sdk",
        "import threading\nt = threading.Thread(target=__import__, args=('inner_sdk',))\nt.start()\nt.join()",
    )
    worker = threading.Thread(target=importlib.import_module, args=("outer_sdk",), daemon=True)
    worker.start()
    worker.join(30)
    assert reported == ["inner_sdk", "outer_sdk"]


@pytest.mark.untraced  # a tracer within imports takes too long
def test_thirty_two_threads_that_import_at_once_miss_nothing(module, reported):
    names = [module(f"parallel_{number}") for number in range(8)]
    import_hook.when_imported(names, reported.append)
    rounds, threads = 200, 32
    failures: list[BaseException] = []
    barrier = threading.Barrier(threads, action=lambda: [sys.modules.pop(name, None) for name in names])

    def work(turn: int) -> None:
        try:
            for _ in range(rounds):
                barrier.wait(30)
                importlib.import_module(names[turn % len(names)])
                importlib.util.find_spec(names[(turn + 1) % len(names)])
        except BaseException as error:
            failures.append(error)
            barrier.abort()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        workers = [threading.Thread(target=work, args=(turn,), daemon=True) for turn in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
    finally:
        sys.setswitchinterval(interval)
    assert failures == []
    assert not any(worker.is_alive() for worker in workers)
    assert {name: reported.count(name) for name in names} == dict.fromkeys(names, rounds)


def test_every_provider_file_is_registered():
    folder = Path(providers.__file__).parent
    files = {file.stem for file in folder.glob("*.py") if not file.name.startswith("_")}
    assert set(providers.PROVIDERS.values()) == files
    assert all(providers.providers_of(sdk) for sdk in providers.sdks())


def test_the_sdks_are_found_in_a_zip_archive_too(tmp_path):
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as package:
        for name in ("__init__.py", "providers/__init__.py"):
            package.write(wheels.ROOT / "hilt_autolog" / name, f"hilt_autolog/{name}")
    see = "from hilt_autolog.providers import sdks; print({'google.genai', 'openai'} <= sdks())"
    program = f"import sys; sys.path.insert(0, sys.argv[1]); {see}"
    command = [sys.executable, "-I", "-c", program, str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("True\n", "")
