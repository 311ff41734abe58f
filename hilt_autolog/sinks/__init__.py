"""Copies of logs in other systems. The log on disk is the source; no copy delays a recorded call."""
