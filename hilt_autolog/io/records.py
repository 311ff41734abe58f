"""Foreign objects as the interpreter stores them: names, instance dictionaries, slots.

Nothing here looks an attribute up on the object: a property, a `__getattribute__` or a metaclass may be
behind any of them.
"""

from __future__ import annotations

from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# A metaclass may redefine these names, so they are read with the descriptors of `type` itself.
_module_of = type.__dict__["__module__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
_mro_of = type.__dict__["__mro__"].__get__
_namespace_of = type.__dict__["__dict__"].__get__

# What marks a class whose instances are records: dataclasses, attrs, pydantic 2, pydantic 1.
_MARKS = ("__dataclass_fields__", "__attrs_attrs__", "__pydantic_decorators__", "__validators__")


def name(kind: type) -> str:
    """The name of a class as `<module.QualName>`, private modules left out: `<openai.NotGiven>`."""
    module = _module_of(kind)
    parts = module.split(".") if type(module) is str else []
    public = [part for part in parts if not part.startswith("_")] or parts
    return f"<{'.'.join([*public, _qualname_of(kind)])}>"


def own(value: Any) -> dict[Any, Any]:
    """A copy of the instance dictionary; empty if there is none, or the class put a property before it."""
    for base in _mro_of(type(value)):
        getter = _namespace_of(base).get("__dict__")
        if type(getter) is GetSetDescriptorType:
            return dict(dict.items(getter.__get__(value)))
    return {}


def fields(value: Any) -> list[tuple[Any, Any]] | None:
    """The public fields of a record: from its dictionary, its slots, and a pydantic model's extras.

    Args:
        value: Any object.

    Returns:
        Pairs in no particular order, names that start with `_` left out; `None` if the object's class is not
        a dataclass, an attrs class or a pydantic model.
    """
    namespaces = [_namespace_of(base) for base in _mro_of(type(value))]
    if not any(mark in namespace for namespace in namespaces for mark in _MARKS):
        return None
    found = {**dict(_slots(value)), **own(value)}
    extra = found.get("__pydantic_extra__")
    pairs = [*found.items(), *(extra.items() if type(extra) is dict else ())]
    return [(key, item) for key, item in pairs if not (type(key) is str and key.startswith("_"))]


def _slots(value: Any) -> Iterator[tuple[str, Any]]:
    for base in reversed(_mro_of(type(value))):
        for slot, getter in _namespace_of(base).items():
            if type(getter) is MemberDescriptorType:
                try:
                    yield slot, getter.__get__(value)
                except AttributeError:  # never filled
                    continue
