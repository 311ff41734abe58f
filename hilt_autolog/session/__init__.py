"""A log in the hands of the program: `Session` and its backends."""
