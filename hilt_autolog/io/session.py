"""The module path from which users of hilt-python import `Session`."""

from __future__ import annotations

from hilt_autolog.session.session import Session

__all__ = ["Session"]
