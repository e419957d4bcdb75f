"""Pages for people. Not built yet."""
