"""Start a program with recording on: `hilt-run`, and the files that run when an interpreter starts."""
