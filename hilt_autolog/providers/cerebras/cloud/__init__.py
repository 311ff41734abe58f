"""The SDK of its cloud."""
