"""Logs that a program opens, appends to and reads by itself: `Session` and its backends."""
