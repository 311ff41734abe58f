"""House rules that no linter knows: sizes, names, what may not be committed, and a complete reference."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hilt_autolog
from hilt_autolog.analytics import columns as view
from hilt_autolog.cli import COMMANDS
from hilt_autolog.cli.checks.coverage import MODES, declared_operations, mode_cells
from hilt_autolog.providers.registry import sdks
from hilt_autolog.reading.columns import COLUMNS
from hilt_autolog.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
LONGEST_MODULE, LONGEST_FUNCTION = 250, 60  # lines
SOURCES = sorted((ROOT / "hilt_autolog").rglob("*.py"))
OURS = [*SOURCES, *sorted((ROOT / "examples").rglob("*.py"))]
EMPTY_NAMES = re.compile(r"utils?|common|misc|helpers?|managers?")
PROGRAMS = {"hilt-run": "hilt_autolog.launcher.run", "hilt": "hilt_autolog.cli"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


# --- sizes, names, docstrings


def test_no_module_is_longer_than_250_lines():
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in OURS}
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_function_is_longer_than_60_lines():
    functions = [
        (f"{name(path)}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for path in OURS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > len(OURS)
    assert [place for place, length in functions if length > LONGEST_FUNCTION] == []


def test_every_name_says_something():
    committed = {part for path in files() for part in (*path.relative_to(ROOT).parts[:-1], path.stem)}
    assert sorted(filter(EMPTY_NAMES.fullmatch, committed)) == []


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
        ):  # what is inside one is its own affair
            yield from public(node)


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
    found = []
    for path in files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:  # no text
            continue
        found += [
            f"{name(path)}:{number} {line.strip()}"
            for number, line in enumerate(lines, 1)
            if wrong.search(line)
        ]
    assert [place for place in found if not place.startswith("tests/test_code_style.py:")] == []


@pytest.mark.parametrize(
    ("text", "found"),
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
def test_what_counts_as_one(text, found):
    assert bool(re.search(f"{HOSTS}|{FOLDERS}", text)) is found


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
