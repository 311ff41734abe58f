"""The coverage of an SDK as its providers declare it, and what of it the installed SDK lacks.

Run as a program, it imports the SDK while recording is on, and prints the result as JSON.
"""

from __future__ import annotations

import contextlib
import json
import sys
from importlib import import_module
from inspect import getmembers, isclass
from typing import TYPE_CHECKING

from hilt_autolog import enable, status
from hilt_autolog.providers import providers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilt_autolog.contracts.provider import Coverage
    from hilt_autolog.contracts.types import JsonObject


def declared_coverage(sdk: str) -> Iterator[Coverage]:
    """Yield what the providers of an SDK cover; the SDK is not imported."""
    for provider in providers_of(sdk):
        yield from provider.coverage


def missing_functions(sdk: str) -> list[str]:
    """Return the names in the coverage of an SDK that the SDK, which is imported, does not have."""
    names = dict.fromkeys(coverage.sdk_path for coverage in declared_coverage(sdk))
    return [name for name in names if name is not None and not _exists(name)]


def _exists(name: str) -> bool:
    """Return whether this is a module, or a method of a class in one (`openai.resources.images.edit`)."""
    try:
        import_module(name)
    except ImportError:
        module, _, method = name.rpartition(".")
        try:
            classes = getmembers(import_module(module), isclass)
        except ImportError:
            return False
        return any(hasattr(class_, method) for _, class_ in classes)
    return True


def main(sdk: str) -> JsonObject:
    """Import an SDK while recording is on.

    Returns:
        `file` of the SDK; `watching`: its patched functions, with whether they exist; `not_offered`: names in
        the coverage that it lacks; `faults`: internal errors, the kind by place.
    """
    enable(providers=[sdk])
    module = import_module(sdk)
    if sdk in status().watching:
        from hilt_autolog.instrumentation.patcher import target_modules

        for name in target_modules(sdk):
            with contextlib.suppress(ImportError):  # not in this version, or needs another package
                import_module(name)
    recording = status()
    return {
        "file": getattr(module, "__file__", None),
        "watching": recording.watching.get(sdk, {}),
        "not_offered": [] if recording.faults else missing_functions(sdk),
        "faults": recording.faults,
    }


if __name__ == "__main__":
    print(f"\n{json.dumps(main(sys.argv[1]))}")
