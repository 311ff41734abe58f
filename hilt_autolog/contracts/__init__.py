"""The types that providers, instrumentation and the recorder exchange."""
