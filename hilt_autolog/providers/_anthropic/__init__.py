"""Parsers of Anthropic's protocol."""
