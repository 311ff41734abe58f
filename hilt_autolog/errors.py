"""What the HILT library raises where no built-in exception says it.

    HILTError
    +-- SessionError      a session was used in a way that its mode or its state does not allow
    +-- ConversionError   a log cannot be converted as it was asked for

A file that is missing is a `FileNotFoundError`, a value that is not understood a `ValueError`, as everywhere.
"""

from __future__ import annotations


class HILTError(Exception):
    """The root of the exceptions of this library."""


class SessionError(HILTError):
    """A session is closed, or its mode does not allow what was asked of it."""


class ConversionError(HILTError):
    """A log cannot be converted: the target does not take it, or a package for it is not installed."""
