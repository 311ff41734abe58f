"""The module path from which users of hilt-python import the functions that read logs."""

from __future__ import annotations

from hilt_autolog.reading.reader import Log, messages_of, read

__all__ = ["Log", "messages_of", "read"]
