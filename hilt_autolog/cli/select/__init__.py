"""Which events a command reads: files, time ranges, conversations."""
