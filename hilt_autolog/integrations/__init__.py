"""Helpers that log calls into a program's own `Session`, under the names that hilt-python has for them."""
