"""The runs of a framework: its own, and how they share calls with the SDKs below."""
