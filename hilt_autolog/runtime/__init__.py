"""The recording of this process: enable and disable it, build its parts, report its status."""
