"""What a program records by hand, beside what is recorded of itself."""
