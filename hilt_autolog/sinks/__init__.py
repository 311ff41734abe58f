"""Where copies of a log go: what stands on disk is the source, and nothing here is on the way of a call."""
