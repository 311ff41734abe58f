"""Call back when a module is imported, by a finder before all others; the module itself is unchanged.

Imported when an interpreter starts, so it imports only modules that are loaded by then.
"""

import sys
from _thread import get_ident

TYPE_CHECKING = False  # type checkers know the name; importing typing would cost a program's start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


def when_imported(names: "Iterable[str]", callback: "Callable[[str], None]") -> "Callable[[], None]":
    """Call `callback(name)` each time that one of these modules has been executed, by import or by reload.

    Modules that are imported already are not reported. An `Exception` in the callback is dropped, because the
    import is the program's and has succeeded. The callback runs in the importing thread, and no lock is held
    here. `sys.modules` has the module, or another object if the module has replaced itself there.

    Args:
        names: full names of modules.
        callback: takes the name of the imported module.

    Returns:
        The undo. An import in progress then continues, unreported.
    """
    entry = (frozenset(names), callback)
    _finder.callbacks.append(entry)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)

    def undo() -> None:
        if entry in _finder.callbacks:
            _finder.callbacks.remove(entry)
        if not _finder.callbacks:
            _finder.uninstall()

    return undo


def remove_hooks() -> None:
    """Undo every `when_imported` in this process, that of the start-up file too."""
    for finder in list(sys.meta_path):
        if type(finder).__module__ == __name__:  # by name: this module may have been imported twice
            finder.callbacks.clear()  # type: ignore[attr-defined]  # it is a _Finder, of either copy
            finder.uninstall()  # type: ignore[attr-defined]  # as above


class _Finder:
    """Finds only modules that have callbacks, by calling the finders that follow it.

    Attributes:
        callbacks: pairs of module names and their callback.
        searches: the searches in progress: pairs of thread and module name.
    """

    __slots__ = ("callbacks", "searches")

    def __init__(self) -> None:
        self.searches: set[tuple[int, str]] = set()
        self.callbacks: list[tuple[frozenset[str], Callable[[str], None]]] = []

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        finders = sys.meta_path
        if not finders or finders[0] is not self:
            self.move_to_front()
        for names, _ in self.callbacks:
            if name in names:
                return self.find_observed(name, path, target)
        return None

    def move_to_front(self) -> None:
        """Move before a finder that was installed later: modules that it finds would not be reported."""
        if self in sys.meta_path:
            sys.meta_path.insert(0, self)
            del sys.meta_path[sys.meta_path.index(self, 1)]

    def uninstall(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_observed(
        self, name: str, path: "Sequence[str] | None", target: "ModuleType | None"
    ) -> "ModuleSpec | None":
        """Find the module as without this finder, and put a `_Loader` before its loader."""
        search = (get_ident(), name)
        if search in self.searches:  # called again by another finder, which searches `sys.meta_path` itself
            return None
        self.searches.add(search)
        try:
            spec = self.find_with_others(name, path, target)
        finally:
            self.searches.discard(search)
        loader = getattr(spec, "loader", None)
        if spec is not None and hasattr(loader, "exec_module") and type(loader) is not _Loader:
            spec.loader = _Loader(self, spec, loader)  # type: ignore[assignment]  # a loader by its methods
        return spec

    def find_with_others(
        self, name: str, path: "Sequence[str] | None", target: "ModuleType | None"
    ) -> "ModuleSpec | None":
        for finder in list(sys.meta_path):
            find_spec = getattr(finder, "find_spec", None)
            if find_spec is None or finder is self:
                continue
            spec: ModuleSpec | None = find_spec(name, path, target)
            if spec is not None:
                return spec
        return None

    def run_callbacks(self, name: str) -> None:
        for names, callback in tuple(self.callbacks):
            try:
                if name in names:
                    callback(name)
            except Exception:  # noqa: S110  the import is the program's, and has succeeded
                pass


class _Loader:
    """Replaces a module's loader until the module is executed, and then restores it."""

    __slots__ = ("finder", "loader", "spec")

    def __init__(self, finder: _Finder, spec: "ModuleSpec", loader: "Any") -> None:
        self.finder, self.spec, self.loader = finder, spec, loader

    def __getattr__(self, name: str) -> object:
        return getattr(object.__getattribute__(self, "loader"), name)  # create_module, get_source, path ...

    def exec_module(self, module: "ModuleType") -> None:
        self.restore_loader(module)
        self.loader.exec_module(module)
        self.finder.run_callbacks(self.spec.name)

    def restore_loader(self, module: "ModuleType") -> None:
        if self.spec.loader is self:  # type: ignore[comparison-overlap]  # as above
            self.spec.loader = self.loader
        try:  # not `module.__loader__`, which would execute a lazy module (importlib.util.LazyLoader)
            namespace = object.__getattribute__(module, "__dict__")
            if namespace.get("__loader__") is self:
                namespace["__loader__"] = self.loader
        except AttributeError:  # `create_module` returned another object than a module
            pass


_finder = _Finder()
