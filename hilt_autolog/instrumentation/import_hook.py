"""Wait until somebody imports an SDK: one finder in front of the others, which leaves no trace on a module.

Loaded when an interpreter starts, so it imports nothing that is not there by then.
"""

import sys
from _thread import get_ident

TYPE_CHECKING = False  # type checkers know the name; importing typing would cost a program's start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


def when_imported(names: "Iterable[str]", arrived: "Callable[[str], None]") -> "Callable[[], None]":
    """Call `arrived(name)` each time that one of these modules has been executed, by import or by reload.

    A module that is there already is not reported. An `Exception` in `arrived` is dropped, because the
    import that it follows is the program's. `arrived` runs in the importing thread, holding no lock of ours;
    it finds the module in `sys.modules`, where the module may have put another one in its own place.

    Args:
        names: full names of modules.
        arrived: is told the name of the module that has come.

    Returns:
        The undo. An import that is under way then goes on, unreported.
    """
    watch = (frozenset(names), arrived)
    _finder.watches.append(watch)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)

    def undo() -> None:
        if watch in _finder.watches:
            _finder.watches.remove(watch)
        if not _finder.watches:
            _finder.leave()

    return undo


def remove_hooks() -> None:
    """Undo every wait in this process, that of the start-up file too."""
    for finder in list(sys.meta_path):
        if (
            type(finder).__module__ == __name__
        ):  # also one of a copy of this module, had we been imported twice
            finder.watches.clear()  # type: ignore[attr-defined]  # it is a _Finder, of whichever copy
            finder.leave()  # type: ignore[attr-defined]  # as above


class _Finder:
    """Answers for the names that are waited for, with what the other finders say; for no other."""

    __slots__ = ("asking", "watches")

    def __init__(self) -> None:
        self.asking: set[tuple[int, str]] = set()
        self.watches: list[tuple[frozenset[str], Callable[[str], None]]] = []

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        finders = sys.meta_path
        if not finders or finders[0] is not self:
            self.move_to_front()
        for names, _ in self.watches:
            if name in names:
                return self.find_watched(name, path, target)
        return None

    def move_to_front(self) -> None:
        """Get before a finder that came later: what it finds by itself would pass us by."""
        if self in sys.meta_path:
            sys.meta_path.insert(0, self)
            del sys.meta_path[sys.meta_path.index(self, 1)]

    def leave(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_watched(self, name: str, *where: "Any") -> "ModuleSpec | None":
        """Find the module as if we were not here, and put our loader before its own."""
        question = (get_ident(), name)
        if question in self.asking:  # another finder asks the whole list again: one loader is enough
            return None
        self.asking.add(question)
        try:
            spec = self.ask_others(name, *where)
        finally:
            self.asking.discard(question)
        real = getattr(spec, "loader", None)
        if spec is not None and hasattr(real, "exec_module") and type(real) is not _Loader:
            spec.loader = _Loader(self, spec, real)  # type: ignore[assignment]  # a loader by what it can do
        return spec

    def ask_others(self, name: str, *where: "Any") -> "ModuleSpec | None":
        for finder in list(sys.meta_path):
            find_spec = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find_spec(name, *where) if find_spec and finder is not self else None
            if spec is not None:
                return spec
        return None

    def report(self, name: str) -> None:
        for names, arrived in tuple(self.watches):
            try:
                if name in names:
                    arrived(name)
            except Exception:  # noqa: S110  the import is the program's: it has succeeded
                pass


class _Loader:
    """Stands before a module's loader until the module is executed, then gives that one its place back."""

    __slots__ = ("finder", "real", "spec")

    def __init__(self, finder: _Finder, spec: "ModuleSpec", real: "Any") -> None:
        self.finder, self.spec, self.real = finder, spec, real

    def __getattr__(self, name: str) -> "Any":
        return getattr(object.__getattribute__(self, "real"), name)  # create_module, get_source, path ...

    def exec_module(self, module: "ModuleType") -> None:
        self.step_aside(module)
        self.real.exec_module(module)
        self.finder.report(self.spec.name)

    def step_aside(self, module: "ModuleType") -> None:
        if self.spec.loader is self:  # type: ignore[comparison-overlap]  # as above
            self.spec.loader = self.real
        try:  # not module.__loader__: reading an attribute of a lazy module would load it
            namespace = object.__getattribute__(module, "__dict__")
            if namespace.get("__loader__") is self:
                namespace["__loader__"] = self.real
        except AttributeError:  # create_module gave something else than a module
            pass


_finder = _Finder()
