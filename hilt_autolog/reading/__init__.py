"""Read logs: their lines, whole files, growing files, and the messages behind an event."""
