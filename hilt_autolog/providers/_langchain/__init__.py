"""Parsers of LangChain's objects."""
