"""Parsers of Gemini's protocols, for both of Google's SDKs."""
