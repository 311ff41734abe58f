"""The exceptions of this library where no built-in exception fits.

    HILTError
    +-- SessionError      the mode or the state of a session does not allow an operation
    +-- ConversionError   a log cannot be converted

A missing file raises `FileNotFoundError`, an invalid value `ValueError`.
"""

from __future__ import annotations


class HILTError(Exception):
    """The base of the exceptions of this library."""


class SessionError(HILTError):
    """A session is closed, or its mode does not allow the operation."""


class ConversionError(HILTError):
    """A log cannot be converted: the target is invalid, or a package for it is not installed."""
