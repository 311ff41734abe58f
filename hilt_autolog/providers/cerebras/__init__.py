"""The SDKs of Cerebras."""
