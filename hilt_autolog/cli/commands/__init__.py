"""The commands of `hilt`, a module each."""
