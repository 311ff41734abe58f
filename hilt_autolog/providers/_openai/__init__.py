"""Readers of the protocol of OpenAI."""
