"""Helpers by which a program logs calls into a `Session` of its own, under the names that HILT gave them."""
