"""What the providers of an SDK cover, and which of it the SDK that is installed does not offer."""

from __future__ import annotations

from importlib import import_module
from inspect import getmembers, isclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilt_autolog.provider import Covered


def covered(sdk: str) -> Iterator[Covered]:
    """Return what the providers of an SDK cover; the SDK is not imported."""
    home = import_module(f"hilt_autolog.providers.{sdk}")
    for provider in (home.PROVIDER, *getattr(home, "BESIDES", ())):
        yield from provider.covers


def not_offered(sdk: str) -> list[str]:
    """Return the names that the SDK, which is imported, does not have."""
    names = dict.fromkeys(one.offered for one in covered(sdk))
    return [name for name in names if name is not None and not _is_there(name)]


def _is_there(name: str) -> bool:
    """Return whether this is a module or a function of a class in one (`openai.resources.images.edit`)."""
    try:
        import_module(name)
    except ImportError:
        home, _, function = name.rpartition(".")
        try:
            classes = getmembers(import_module(home), isclass)
        except ImportError:
            return False
        return any(hasattr(one, function) for _, one in classes)
    return True
