"""The table `[tool.hilt]` of the project that a program is started in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def nearest(folder: str) -> tuple[Path | None, dict[str, object], list[str]]:
    """Return the nearest pyproject.toml, its `[tool.hilt]`, and a complaint if it cannot be read.

    Args:
        folder: where the search begins; it goes upwards.
    """
    from pathlib import Path

    here = Path(folder).absolute()
    files = (place / "pyproject.toml" for place in (here, *here.parents))
    file = next((file for file in files if os.path.isfile(file)), None)
    try:
        return file, _table(file.read_bytes()) if file else {}, []
    except (OSError, ValueError, RecursionError) as error:
        return file, {}, [f"hilt: {file}: {error} (ignored)"]


def _table(toml: bytes) -> dict[str, object]:
    if b"tool.hilt" not in toml:
        return {}
    import tomllib  # 10 ms: only for those who use it

    tool = tomllib.loads(toml.decode()).get("tool")
    table = tool.get("hilt") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else {}
