"""Records that a program makes itself, beside those of automatic capture."""
