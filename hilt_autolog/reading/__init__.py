"""Read logs: lines, whole files, growing files, the messages behind an event."""
