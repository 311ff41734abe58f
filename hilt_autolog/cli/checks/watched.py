"""Run in a child of doctor, `python -m hilt_autolog.cli.checks.watched SDK`: what of the SDK is watched?"""

from __future__ import annotations

import contextlib
import json
import sys
from importlib import import_module
from typing import Any

from hilt_autolog import enable, status

from .offers import not_offered


def main(sdk: str) -> dict[str, Any]:
    """Import an SDK while recording is on, and return what came of it."""
    enable(providers=[sdk])
    module = import_module(sdk)
    if sdk in status().watching:
        from hilt_autolog.arming import modules

        for name in modules(sdk):
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
