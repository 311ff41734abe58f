"""The imports of the package's modules, read from their source."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PACKAGE = Path(__file__).parents[2] / "hilt_autolog"


class Import(NamedTuple):
    """One imported module, as a module's source names it."""

    importer: str
    imported: str  # relative to the package if ours, e.g. `reading.reader`
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
    return [
        Import(name, target, is_ours, is_at_top, is_typing, node.lineno)
        for node, is_at_top, is_typing in statements(tree.body, is_at_top=True)
        for target, is_ours in targets(name, node)
    ]


def statements(
    body: Iterable[ast.AST], *, is_at_top: bool, is_typing: bool = False
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    """Yield each import below these statements: is it at the top, is it for type checkers only."""
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


IMPORTS = [statement for name in SOURCES for statement in imports(name)]
OURS = [statement for statement in IMPORTS if statement.is_ours]
BETWEEN_MODULES = [statement for statement in OURS if statement.imported != "__init__"]
