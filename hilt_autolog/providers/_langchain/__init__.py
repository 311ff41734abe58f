"""Readers of the objects of LangChain."""
