"""Enable recording when a program starts: `hilt-run`, and the start-up files of the interpreter."""
