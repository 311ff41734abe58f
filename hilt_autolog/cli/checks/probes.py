"""What the providers of an SDK cover, and which of it the SDK that is installed does not offer."""

from __future__ import annotations

import contextlib
import json
import sys
from importlib import import_module
from inspect import getmembers, isclass
from typing import TYPE_CHECKING, Any

from hilt_autolog import enable, status
from hilt_autolog.providers.registry import providers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilt_autolog.contracts.provider import Coverage


def covered(sdk: str) -> Iterator[Coverage]:
    """Return what the providers of an SDK cover; the SDK is not imported."""
    for provider in providers_of(sdk):
        yield from provider.coverage


def not_offered(sdk: str) -> list[str]:
    """Return the names that the SDK, which is imported, does not have."""
    names = dict.fromkeys(one.sdk_path for one in covered(sdk))
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


def main(sdk: str) -> dict[str, Any]:
    """Import an SDK while recording is on, and return what came of it."""
    enable(providers=[sdk])
    module = import_module(sdk)
    if sdk in status().watching:
        from hilt_autolog.instrumentation.patcher import target_modules

        for name in target_modules(sdk):
            with contextlib.suppress(ImportError):  # what is not there, or needs more than is installed
                import_module(name)
    found = status()
    return {
        "file": getattr(module, "__file__", None),
        "watching": found.watching.get(sdk, {}),
        "not_offered": [] if found.faults else not_offered(sdk),
        "faults": found.faults,
    }


if __name__ == "__main__":
    print(f"\n{json.dumps(main(sys.argv[1]))}")
