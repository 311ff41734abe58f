"""Rules that no linter has: sizes, names, what may not be committed, and a complete reference."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest

import hilt_autolog
from hilt_autolog.analytics import columns as view
from hilt_autolog.cli import COMMANDS
from hilt_autolog.cli.checks.coverage import MODES, declared_operations, mode_cells
from hilt_autolog.providers import sdks
from hilt_autolog.reading.columns import COLUMNS
from hilt_autolog.settings import SETTINGS
from tests.support import import_graph

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60  # lines
MEDIAN_MODULE = range(90, 151)  # lines
SMALL_MODULE = 60  # lines: below, it belongs in the module that imports it, if there is one only
MOST_SMALL_MODULES, MOST_MODULES, MOST_MODULES_AT_TOP = 10, 200, 10
MOST_ANY = 450
LONGEST_TEST_NAME = 10  # words
# A dot before it: the method `tell` of files.
ODD_WORDS = re.compile(r"(?<![a-z.])(?:told|tells?|heed\w*|kin|whoever)(?![a-z])", re.IGNORECASE)
EXEMPTION = re.compile(r"# (?:noqa|type: ignore)(?P<rule>: ?[A-Z0-9, ]*[0-9]|\[[a-z, -]+\])?(?P<reason>.*)")
PACKAGE = ROOT / "hilt_autolog"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OURS = [*SOURCES, *sorted((ROOT / "examples").rglob("*.py"))]
EMPTY_NAMES = re.compile(r"utils?|common|misc|helpers?|managers?")
PROGRAMS = {"hilt-run": "hilt_autolog.launcher.run", "hilt": "hilt_autolog.cli"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


# --- sizes, names, docstrings


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_no_module_is_longer_than_400_lines():
    lengths = {name(path): len(lines(path)) for path in OURS}
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_modules_are_few_and_of_medium_length():
    assert len(SOURCES) <= MOST_MODULES
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_MODULES_AT_TOP
    assert round(median(len(lines(path)) for path in SOURCES)) in MEDIAN_MODULE


def test_small_modules_with_a_single_importer_are_few():
    importers: dict[str, set[str]] = {}
    for statement in import_graph.BETWEEN_MODULES:
        importers.setdefault(statement.imported, set()).add(statement.importer)
    small = [
        name(path)
        for module, path in import_graph.SOURCES.items()
        if path.name != "__init__.py" and len(lines(path)) < SMALL_MODULE
        if len(importers.get(module, ())) == 1
    ]
    assert len(small) <= MOST_SMALL_MODULES, small


def test_no_function_is_longer_than_60_lines():
    functions = [
        (f"{name(path)}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for path in OURS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > len(OURS)
    assert [place for place, length in functions if length > LONGEST_FUNCTION] == []


def test_no_name_is_empty_of_meaning():
    committed = {part for path in files() for part in (*path.relative_to(ROOT).parts[:-1], path.stem)}
    assert sorted(filter(EMPTY_NAMES.fullmatch, committed)) == []


def test_no_two_classes_have_one_name():
    defined: dict[str, list[str]] = {}
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                defined.setdefault(node.name, []).append(f"{name(path)}:{node.lineno}")
    assert {word: places for word, places in defined.items() if len(places) > 1} == {}


def test_names_and_comments_use_the_words_of_the_field():
    odd = [
        f"{name(path)}:{number} {word}"
        for path in SOURCES
        for number, line in enumerate(lines(path), 1)
        for word in ODD_WORDS.findall(line)
    ]
    assert odd == []


def test_any_is_used_where_objects_of_an_sdk_are_read():
    uses = [
        name(path)
        for path in SOURCES
        for line in lines(path)
        if not re.match(r"\s*(?:from|import)\b", line)
        for _ in re.findall(r"\bAny\b", line)
    ]
    assert len(uses) < MOST_ANY, f"{len(uses)}: {Counter(uses).most_common(20)}"


def test_every_exemption_names_its_rule_and_its_reason():
    wrong = []
    for path in [*OURS, *TESTS]:
        if path == Path(__file__):  # it has examples of wrong ones
            continue
        for number, line in enumerate(lines(path), 1):
            exemption = EXEMPTION.search(line)
            if exemption and not has_reason(exemption):
                wrong.append(f"{name(path)}:{number} {line.strip()}")
    assert wrong == []


def has_reason(exemption: re.Match[str]) -> bool:
    return bool(exemption["rule"]) and bool(re.search(r"\w", exemption["reason"]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = f()  # noqa: S603  our own program", True),
        ("x = f()  # noqa: PLR0913, PLR0917  by name", True),
        ("x = f()  # noqa: S603", False),
        ("x = f()  # noqa", False),
        ("x = 1  # type: ignore[assignment]  # a loader by what it can do", True),
        ("x = 1  # type: ignore[assignment]", False),
        ("x = 1  # type: ignore", False),
    ],
)
def test_what_counts_as_a_reason(text, expected):
    exemption = EXEMPTION.search(text)
    assert exemption
    assert has_reason(exemption) is expected


def test_no_test_name_has_more_than_ten_words():
    long = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path in TESTS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if len(node.name.removeprefix("test_").split("_")) > LONGEST_TEST_NAME
    ]
    assert long == []


def test_everything_public_has_a_docstring():
    assert [place for path in SOURCES for place in without_docstring(path)] == []


def without_docstring(path: Path) -> Iterator[str]:
    module = tree(path)
    if not ast.get_docstring(module):
        yield name(path)
    if path.stem.startswith("_") and not path.stem.startswith("__"):
        return
    for node in public(module):
        if not ast.get_docstring(node):
            yield f"{name(path)}:{node.lineno} {node.name}"


def public(body: ast.AST) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.iter_child_nodes(body):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("_") or "overload" in map(ast.unparse, node.decorator_list):
                continue
            yield node
        if not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef
        ):  # functions inside functions need no docstring
            yield from public(node)


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == hilt_autolog.__version__
    changelog = (ROOT / "hilt_autolog" / "docs" / "changelog.md").read_text(encoding="utf-8")
    assert f"## {hilt_autolog.__version__}\n" in changelog


# --- what may not be committed

HOSTS = r"\b(?:(?:files\.)?pythonhosted|pypi|registry\.npmjs|proxy\.golang|conda\.anaconda)\.(?:org|com)\b"
FOLDERS = r"(?<![\w.}~])/(?:home/\w|root\b|Users/\w|work/\w|mnt/\w|opt/\w|tmp/\w)|\b[A-Z]:\\\\?Users"


def files() -> list[Path]:
    """Return what is committed; in an unpacked source distribution, all that is there."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return [ROOT / line for line in listed.stdout.split("\0") if line and (ROOT / line).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_no_machine_path_and_no_registry_host_is_committed():
    wrong = re.compile(f"{HOSTS}|{FOLDERS}")
    places = []
    for path in files():
        try:
            content = lines(path)
        except UnicodeDecodeError:  # no text
            continue
        places += [
            f"{name(path)}:{number} {line.strip()}"
            for number, line in enumerate(content, 1)
            if wrong.search(line)
        ]
    own_examples = f"{name(Path(__file__))}:"
    assert [place for place in places if not place.startswith(own_examples)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see /home/ana/x", True),
        ('"/root/x"', True),
        ("C:\\Users\\ana", True),
        ("file:///opt/index", True),
        ("https://pypi.org/project/x", True),
        ("providers/openai.py", False),
        ("~/home/{pid}", False),
        ("{root}/home/x", False),
        ("the network root", False),
        ("pypi", False),
    ],
)
def test_what_counts_as_a_path_or_a_host(text, expected):
    assert bool(re.search(f"{HOSTS}|{FOLDERS}", text)) is expected


# --- the reference, hilt_autolog/docs


def reference(topic: str = "*") -> str:
    """Return the text of a topic, or of all."""
    pages = sorted((ROOT / "hilt_autolog" / "docs").glob(f"{topic}.md"))
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def settings_table() -> list[str]:
    """Return the rows of the table of settings."""
    lines = [
        "| setting | variable | hilt-run | default | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in SETTINGS:
        default = str(row.default).lower() if isinstance(row.default, bool) else row.default
        shown = f"`{default}`" if default else ""
        lines.append(f"| `{row.name}` | `{row.variable}` | `--{row.name}` | {shown} | {row.meaning} |")
    return lines


def coverage_table() -> list[str]:
    """Return the rows of the table of SDK operations; operations with equal modes share a row."""
    lines = [f"| SDK | operation | {' | '.join(MODES)} |", f"| {' | '.join(['---'] * (2 + len(MODES)))} |"]
    for sdk in sorted(sdks()):
        alike: dict[tuple[str, ...], list[str]] = {}
        for row in declared_operations(sdk):
            alike.setdefault(mode_cells(row), []).append(row.operation)
        for cells, names in alike.items():
            lines.append(f"| {' | '.join((f'`{sdk}`', ', '.join(names), *cells))} |")
    return lines


def even(row: str) -> str:
    """Return a row of a table without its padding."""
    cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
    return "| " + " | ".join("---" if re.fullmatch(":?-{3,}:?", cell) else cell for cell in cells) + " |"


def columns_table() -> list[str]:
    """Return the rows of the table of columns of SQL, data frames and Parquet."""
    lines = ["| column | type | meaning |", "| --- | --- | --- |"]
    return lines + [
        f"| `{column.name}` | {column.kind} | {column.meaning} |"
        for column in (*view.COLUMNS, view.FILE, view.EVENT)
    ]


TABLES = {"settings": settings_table, "sdk-coverage": coverage_table, "analysis": columns_table}


@pytest.mark.parametrize(("topic", "table"), TABLES.items(), ids=TABLES)
def test_the_reference_has_this_table(topic, table):
    rows = [even(line) for line in reference(topic).splitlines() if line.strip().startswith("|")]
    expected = table()
    first = rows.index(expected[0]) if expected[0] in rows else len(rows)
    is_there = rows[first : first + len(expected)] == expected
    assert is_there, f"docs/{topic}.md needs this table:\n\n" + "\n".join(expected)


def test_the_reference_explains_every_column():
    lines = reference("python-api").splitlines()
    first_cells = [line.split("|")[1].strip() for line in lines if line.startswith("| `")]
    names = [f"`{column}`" for column in COLUMNS]
    tables = [first_cells[n : n + len(names)] for n, cell in enumerate(first_cells) if cell == names[0]]
    assert names in tables, "docs/python-api.md has no table of the columns"


def test_the_reference_knows_every_variable_and_no_other():
    variable = re.compile(r"\bHILT_[A-Z][A-Z_]*\b")
    texts = [
        node.value for path in SOURCES for node in ast.walk(tree(path)) if isinstance(node, ast.Constant)
    ]
    used = {word for text in texts if isinstance(text, str) for word in variable.findall(text)}
    told = set(variable.findall(reference()))
    assert used <= told, f"hilt_autolog/docs does not name {sorted(used - told)}"
    assert told <= used, f"hilt_autolog/docs names {sorted(told - used)}, which nothing reads"


def test_the_reference_knows_every_public_name():
    named = {word for code in re.findall(r"`([^`\n]+)`", reference()) for word in re.findall(r"\w+", code)}
    missing = sorted(set(hilt_autolog.__all__) - named)
    assert not missing, f"hilt_autolog/docs does not name {missing}"


@pytest.mark.parametrize("command", [*PROGRAMS, *(f"hilt {command}" for command in COMMANDS)])
def test_the_reference_knows_every_command_and_option(command):
    words = command.split()
    program = f"import sys; from {PROGRAMS[words[0]]} import main; sys.argv = {[*words, '--help']}; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    options = sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", done.stdout)) - {"--help", "--version"})
    needed = [command, *options]
    missing = [
        word for word in needed if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", reference())
    ]
    assert not missing, f"hilt_autolog/docs does not name {missing}"
