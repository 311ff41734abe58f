"""Readers of the protocol of Anthropic."""
