"""The floors of the house: imports go down, or sideways on the same floor, and never in a circle."""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from hilt_autolog.providers.registry import sdks

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parent.parent / "hilt_autolog"
GROUND, MACHINES, ROOMS, DOORS = 1, 2, 3, 4

# Every module of the package stands here once. `*` takes the modules of a folder.
FLOORS = {
    GROUND: (
        "action",
        "clock",
        "dialogue",
        "errors",
        "event",
        "facts",
        "foreign",
        "framework",
        "guard",
        "identity",
        "provider",
        "pyproject",
        "settings",
    ),
    MACHINES: (
        "analytics",
        "analytics.*",
        "assembly",
        "engine",
        "engine.*",
        "importer",
        "interpreter",
        "io",
        "io.*",
        "ledger",
        "media",
        "prices",
        "pricing",
        "process",
        "recording",
        "recording.*",
        "runs",
        "runs.*",
        "sinks",
        "sinks.*",
        "standing",
    ),
    ROOMS: (
        "arming",
        "converters",
        "converters.*",
        "instrumentation",
        "manual",
        "manual.*",
        "switch",
        "providers",
        "providers.*",
    ),
    DOORS: ("__init__", "__main__", "start", "startup.*", "cli", "cli.*", "integrations", "integrations.*"),
}
# What the program asks for by name: a client of its own SDK, and a handler of its own framework.
OF_THE_USER = {("integrations.openai", "openai"), ("integrations.langchain", "langchain_core.callbacks")}
# What an interpreter's start loads, and what it may ask for: it is there by then.
AT_START = ("__init__", "importer", "startup._hilt_autolog_start")
THERE_AT_START = {"os", "sys", "_thread"}
# A provider turns objects into facts. It has no clock, file, environment, recorder or event.
OF_PROVIDERS = ("dialogue", "facts", "foreign", "framework", "media", "provider", "providers.*")
WITHHELD_FROM_PROVIDERS = {"os", "time", "datetime", "pathlib", "io", "tempfile", "logging"}
# The engine watches calls; it is handed what turns them into events.
BEYOND_THE_ENGINE = ("clock", "event", "io.*", "recording.*", "runs.*", "settings")
# What reads logs works where nothing is captured.
READING = (
    "io.reader",
    "io.lines",
    "io.messages",
    "io.moments",
    "io.columns",
    "io.session",
    "io.following",
    "io.backward",
    "event",
    "ledger",
)
CAPTURING = ("arming", "engine.*", "io.writer", "providers.*", "recording.*", "runs.*", "switch")


class Import(NamedTuple):
    """One imported module, as a module's source names it."""

    importer: str
    imported: str  # relative to the package if ours, e.g. `io.reader`
    is_ours: bool
    is_at_top: bool  # runs when the importer is loaded
    is_typing: bool  # for type checkers only
    line: int


def module(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


SOURCES = {module(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(name: str) -> list[Import]:
    tree = ast.parse(SOURCES[name].read_text(encoding="utf-8"))
    found: list[Import] = []
    for node, is_at_top, is_typing in statements(tree.body, is_at_top=True):
        for target, is_ours in targets(name, node):
            found.append(Import(name, target, is_ours, is_at_top, is_typing, node.lineno))
    return found


def statements(body, *, is_at_top: bool, is_typing: bool = False) -> Iterator[tuple[ast.AST, bool, bool]]:
    """Yield each import below these statements, with where it stands."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, is_at_top, is_typing
            continue
        inside = is_at_top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from statements(node.body, is_at_top=is_at_top, is_typing=True)
            yield from statements(node.orelse, is_at_top=is_at_top, is_typing=is_typing)
        else:
            yield from statements(ast.iter_child_nodes(node), is_at_top=inside, is_typing=is_typing)


def targets(name: str, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, bool]]:
    """Yield the modules that an import statement loads."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield own(alias.name)
        return
    base = node.module or ""
    if node.level:
        is_package = SOURCES[name].name == "__init__.py"
        home = ["hilt_autolog", *(name.split(".") if name != "__init__" else [])]
        home = home[: len(home) - node.level + (1 if is_package else 0)]
        base = ".".join([*home, *([base] if base else [])])
    for alias in node.names:
        inner, is_ours = own(f"{base}.{alias.name}")
        if is_ours and inner in SOURCES:
            yield inner, True
        else:
            yield own(base)


def own(name: str) -> tuple[str, bool]:
    head, _, rest = name.partition(".")
    return (rest or "__init__", True) if head == "hilt_autolog" else (name, False)


IMPORTS = [found for name in SOURCES for found in imports(name)]
OURS = [found for found in IMPORTS if found.is_ours]


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def floor(name: str) -> int:
    return next(number for number, names in FLOORS.items() if matches(name, names))


def told(found: list[Import]) -> list[str]:
    return [f"{SOURCES[one.importer].relative_to(PACKAGE.parent)}:{one.line} {one.imported}" for one in found]


def test_every_module_stands_on_one_floor():
    for name in SOURCES:
        floors = [number for number, names in FLOORS.items() if matches(name, names)]
        assert len(floors) == 1, f"{name} stands on the floors {floors}: put it into FLOORS once"
    for names in FLOORS.values():
        for pattern in names:
            assert any(fnmatchcase(name, pattern) for name in SOURCES), f"there is no {pattern} any more"


def test_no_import_goes_up():
    taken = [found for found in OURS if found.imported != "__init__"]
    up = [found for found in taken if floor(found.imported) > floor(found.importer)]
    assert told(up) == [], "these imports go up: turn the arrow round, or hand the thing in as an argument"


def test_from_the_face_only_the_version_is_taken():
    for found in OURS:
        if found.imported == "__init__" and found.importer != "cli.checks.watched":  # it is a program
            line = SOURCES[found.importer].read_text(encoding="utf-8").splitlines()[found.line - 1]
            names = {name.strip() for name in line.partition(" import ")[2].split(",")}
            assert {name for name in names if name not in SOURCES} == {"__version__"}, told([found])


def test_no_circle():
    """A name for type checkers only is no arrow: nothing of it is there at run time."""
    graph: dict[str, set[str]] = {name: set() for name in SOURCES}
    for found in OURS:
        if not found.is_typing and found.imported != "__init__":
            graph[found.importer].add(found.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a circle: {' <- '.join(error.args[1])}")


def test_no_sdk_is_imported():
    """Not even inside a function: an SDK is the program's to load, we look it up in sys.modules.

    Whoever imports a helper for an SDK, and names no client, has asked for that SDK.
    """
    assert "openai" in sdks()
    taken = [found for found in IMPORTS if not found.is_ours and not found.is_typing]
    wrong = [
        found for found in taken if matches(found.imported, tuple(sdks() | {f"{sdk}.*" for sdk in sdks()}))
    ]
    assert {(one.importer, one.imported) for one in wrong} >= OF_THE_USER
    assert told([one for one in wrong if (one.importer, one.imported) not in OF_THE_USER]) == []


@pytest.mark.parametrize("name", AT_START)
def test_what_is_loaded_at_start_loads_nothing(name):
    top = [found for found in imports(name) if found.is_at_top and not found.is_typing]
    assert told([found for found in top if found.imported not in THERE_AT_START]) == []


def test_providers_know_facts_only():
    of_providers = [found for found in IMPORTS if found.importer.startswith("providers.")]
    assert of_providers
    ours = [found for found in of_providers if found.is_ours]
    assert told([found for found in ours if not matches(found.imported, OF_PROVIDERS)]) == []
    others = [found for found in of_providers if not found.is_ours]
    assert (
        told([found for found in others if found.imported.partition(".")[0] in WITHHELD_FROM_PROVIDERS]) == []
    )


def reached(name: str) -> set[str]:
    """Return the modules of ours that a module cannot run without."""
    found, ahead = set(), [name]
    while ahead:
        here = ahead.pop()
        found.add(here)
        ahead += {one.imported for one in imports(here) if one.is_ours and not one.is_typing} - found
    return found - {"__init__"}


def test_the_engine_knows_neither_events_nor_files():
    known = reached("engine.arm")
    assert {"guard", "engine.streams"} <= known
    assert {name for name in known if matches(name, BEYOND_THE_ENGINE)} == set()


@pytest.mark.parametrize("name", READING)
def test_reading_works_without_capturing(name):
    assert {found for found in reached(name) if matches(found, CAPTURING)} == set()


# --- the tests can fail


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Judge a module of this text instead of the package's own."""

    def judge(name: str, text: str) -> list[Import]:
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        monkeypatch.setitem(SOURCES, name, path)
        return imports(name)

    return judge


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from . import clock", ("clock", True, True, False)),
        ("from .io import reader", ("io.reader", True, True, False)),
        ("from .io.reader import read", ("io.reader", True, True, False)),
        ("from hilt_autolog.io.reader import read", ("io.reader", True, True, False)),
        ("import hilt_autolog.runtime.control", ("switch", True, True, False)),
        ("from . import __version__", ("__init__", True, True, False)),
        ("def f():\n    from .switch import enable", ("switch", True, False, False)),
        ("class C:\n    import openai.types", ("openai.types", False, True, False)),
        ("if TYPE_CHECKING:\n    from .call import Call", ("call", True, True, True)),
        ("try:\n    import orjson\nexcept ImportError:\n    pass", ("orjson", False, True, False)),
    ],
)
def test_an_arrow_is_seen_wherever_it_stands(text, expected, house):
    (found,) = house("newcomer", text)
    assert (found.imported, found.is_ours, found.is_at_top, found.is_typing) == expected
