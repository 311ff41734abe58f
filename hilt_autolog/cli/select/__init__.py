"""The events that a command reads: paths, filters, time ranges, conversations."""
