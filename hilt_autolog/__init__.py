"""The flight recorder for programs that use language models."""

__version__ = "0.1.0"
