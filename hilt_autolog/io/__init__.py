"""Module paths of hilt-python, kept for programs that import `Session` and `read` from them."""
