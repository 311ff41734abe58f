"""Wrap the SDK functions that the providers list, and report the progress of each call to its observer."""
