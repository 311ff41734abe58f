"""The recording of this process: on and off, its parts, its status."""
