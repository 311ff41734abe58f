"""How events look on a terminal."""
