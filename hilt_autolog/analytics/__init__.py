"""Questions about logs: by SQL over the view `events`, as data frames, and the statistics of calls."""
