"""The engine: wraps the functions that providers name, and tells how each call goes on."""
