"""The path under which users of hilt-python import what reads logs."""

from __future__ import annotations

from hilt_autolog.reading.reader import Log, messages_of, read

__all__ = ["Log", "messages_of", "read"]
