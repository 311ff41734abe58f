"""The layers of the package: an import goes down, or stays in its folder, and never in a circle."""

from __future__ import annotations

from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import pytest

from hilt_autolog.providers import sdks
from tests.support.import_graph import BETWEEN_MODULES, IMPORTS, OURS, PACKAGE, SOURCES, Import, imports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# From the bottom. An entry is a module, or a folder and all in it that no longer entry names. Entries of one
# layer do not import one another, unless they belong to the same folder.
LAYERS = (
    ("clock", "contracts", "errors", "internal_errors", "suggestions"),
    ("format", "settings"),
    ("event", "log", "pricing"),
    ("providers._endpoints",),
    ("providers._stainless",),
    ("providers._openai",),
    ("providers._anthropic", "providers._google", "providers._langchain"),
    ("providers",),
    ("instrumentation", "reading", "recording"),
    ("analytics", "runs", "sinks"),
    ("reading.reader",),  # its `Log` returns data frames
    ("converters", "session"),
    ("runtime",),
    ("integrations", "io", "manual"),
    ("launcher", "cli.exit_codes"),
    ("cli.render", "cli.select"),
    ("cli.checks",),
    ("cli",),
    ("__main__",),
    ("__init__",),  # it imports the public names when they are first used, and nothing before
)
# What a program asks for by name: a client of its own SDK, and a handler of its own framework.
SDKS_OF_THE_PROGRAM = {
    ("integrations.openai", "openai"),
    ("integrations.langchain", "langchain_core.callbacks"),
}
# What the start of an interpreter loads, and the modules that it may import: they are loaded by then.
LOADED_AT_START = (
    "__init__",
    "instrumentation",
    "instrumentation.import_hook",
    "launcher.startup._hilt_autolog_start",
    "providers",
)
AVAILABLE_AT_START = {"os", "sys", "_thread"}
# A provider turns an SDK's objects into ours. It has no clock, file, environment, recorder or event.
USED_BY_PROVIDERS = ("contracts.*", "providers.*")
FORBIDDEN_IN_PROVIDERS = {"os", "time", "datetime", "pathlib", "io", "tempfile", "logging"}
# The instrumentation observes calls; what turns them into events is passed to it.
FORBIDDEN_IN_INSTRUMENTATION = (
    *("clock", "event", "settings"),
    *("log.*", "pricing.*", "reading.*", "recording.*", "runs.*", "runtime.*"),
)
# Logs are read without anything that records.
READERS = ("event", "launcher.run_summary", "session.session")
RECORDERS = ("instrumentation.*", "log.writer", "providers.*", "recording.*", "runs.*", "runtime.*")


def matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def entry(name: str) -> str | None:
    """Return the longest entry of `LAYERS` that names a module or a folder around it."""
    entries = [entry for layer in LAYERS for entry in layer if name == entry or name.startswith(f"{entry}.")]
    return max(entries, key=len, default=None)


def layer(name: str) -> int:
    return next(number for number, entries in enumerate(LAYERS) if entry(name) in entries)


def goes_down(statement: Import) -> bool:
    importer, imported = statement.importer, statement.imported
    if importer.partition(".")[0] == imported.partition(".")[0]:
        return layer(imported) <= layer(importer)
    return layer(imported) < layer(importer)


def places(statements: Iterable[Import]) -> list[str]:
    return [
        f"{SOURCES[statement.importer].relative_to(PACKAGE.parent)}:{statement.line} {statement.imported}"
        for statement in statements
    ]


def test_every_module_is_in_a_layer():
    assert [name for name in SOURCES if entry(name) is None] == []
    for expected in (entry for layer in LAYERS for entry in layer):
        assert any(entry(name) == expected for name in SOURCES), f"there is no {expected} any more"


def test_no_import_goes_up():
    wrong = [statement for statement in BETWEEN_MODULES if not goes_down(statement)]
    assert places(wrong) == [], "move what is imported down, or pass it in as an argument"


def test_only_the_version_is_imported_from_the_package_itself():
    for statement in OURS:
        if statement.imported == "__init__" and statement.importer != "cli.checks.probes":  # it is a program
            source = SOURCES[statement.importer].read_text(encoding="utf-8")
            line = source.splitlines()[statement.line - 1]
            names = {name.strip() for name in line.partition(" import ")[2].split(",")}
            assert {name for name in names if name not in SOURCES} == {"__version__"}, places([statement])


def test_no_circle():
    graph: dict[str, set[str]] = {name: set() for name in SOURCES}
    for statement in BETWEEN_MODULES:
        graph[statement.importer].add(statement.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a circle: {' <- '.join(error.args[1])}")


def test_no_sdk_is_imported():
    """An SDK is the program's to import, so it is looked up in sys.modules, also inside a function.

    A program that imports a helper for an SDK, and passes no client of it, has asked for that SDK.
    """
    assert "openai" in sdks()
    patterns = [*sdks(), *(f"{sdk}.*" for sdk in sdks())]
    of_sdks = [
        statement
        for statement in IMPORTS
        if not statement.is_ours and not statement.is_typing and matches(statement.imported, patterns)
    ]
    assert {(statement.importer, statement.imported) for statement in of_sdks} >= SDKS_OF_THE_PROGRAM
    wrong = [
        statement
        for statement in of_sdks
        if (statement.importer, statement.imported) not in SDKS_OF_THE_PROGRAM
    ]
    assert places(wrong) == []


@pytest.mark.parametrize("name", LOADED_AT_START)
def test_what_is_loaded_at_start_loads_nothing(name):
    at_once = [statement for statement in imports(name) if statement.is_at_top and not statement.is_typing]
    assert places(statement for statement in at_once if statement.imported not in AVAILABLE_AT_START) == []


def test_providers_use_contracts_only():
    of_providers = [statement for statement in IMPORTS if statement.importer.startswith("providers.")]
    assert of_providers
    ours = [statement for statement in of_providers if statement.is_ours]
    assert places(statement for statement in ours if not matches(statement.imported, USED_BY_PROVIDERS)) == []
    others = [statement for statement in of_providers if not statement.is_ours]
    wrong = [
        statement for statement in others if statement.imported.partition(".")[0] in FORBIDDEN_IN_PROVIDERS
    ]
    assert places(wrong) == []


def needed_by(name: str) -> set[str]:
    """Return the modules of ours that a module cannot run without."""
    names: set[str] = set()
    ahead = [name]
    while ahead:
        importer = ahead.pop()
        names.add(importer)
        ahead += {one.imported for one in imports(importer) if one.is_ours and not one.is_typing} - names
    return names - {"__init__"}


def test_instrumentation_uses_neither_events_nor_files():
    names = needed_by("instrumentation.patcher")
    assert {"internal_errors", "instrumentation.streams"} <= names
    assert {name for name in names if matches(name, FORBIDDEN_IN_INSTRUMENTATION)} == set()


@pytest.mark.parametrize("name", [*READERS, *(name for name in SOURCES if name.startswith("reading."))])
def test_reading_works_without_recording(name):
    assert {needed for needed in needed_by(name) if matches(needed, RECORDERS)} == set()


# --- the tests can fail


@pytest.fixture
def imports_of(tmp_path, monkeypatch) -> Callable[[str, str], list[Import]]:
    """Return the imports of a module with a given text, as if it were in the package."""

    def read(name: str, text: str) -> list[Import]:
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        monkeypatch.setitem(SOURCES, name, path)
        return imports(name)

    return read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from . import clock", ("clock", True, True, False)),
        ("from .reading import reader", ("reading.reader", True, True, False)),
        ("from .reading.reader import read", ("reading.reader", True, True, False)),
        ("from hilt_autolog.reading.reader import read", ("reading.reader", True, True, False)),
        ("import hilt_autolog.runtime.control", ("runtime.control", True, True, False)),
        ("from . import __version__", ("__init__", True, True, False)),
        ("def f():\n    from .runtime.control import enable", ("runtime.control", True, False, False)),
        ("class C:\n    import openai.types", ("openai.types", False, True, False)),
        (
            "if TYPE_CHECKING:\n    from .recording.call import Call",
            ("recording.call", True, True, True),
        ),
        ("try:\n    import orjson\nexcept ImportError:\n    pass", ("orjson", False, True, False)),
    ],
)
def test_an_import_is_seen_in_any_statement(text, expected, imports_of):
    (statement,) = imports_of("newcomer", text)
    seen = (statement.imported, statement.is_ours, statement.is_at_top, statement.is_typing)
    assert seen == expected


@pytest.mark.parametrize(
    ("importer", "imported", "expected"),
    [
        ("recording.call", "clock", True),
        ("clock", "recording.call", False),
        ("recording.call", "recording.events", True),
        ("recording.call", "reading.reader", False),  # the same layer, another folder
        ("cli.render.table", "cli.select.sources", True),
        ("cli.render.table", "cli.commands.tail", False),
        ("providers._openai.chat", "providers.openai", False),
    ],
)
def test_what_counts_as_down(importer, imported, expected):
    assert goes_down(Import(importer, imported, True, True, False, 1)) is expected
