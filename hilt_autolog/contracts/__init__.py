"""The types that providers and the recorder exchange."""
