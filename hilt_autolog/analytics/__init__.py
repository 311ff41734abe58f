"""Analyze logs: by SQL over the view `events`, as data frames, and by the statistics of calls."""
