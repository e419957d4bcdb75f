"""JSON for programs. Not built yet."""
