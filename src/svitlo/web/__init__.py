"""Pages for people, JSON for programs. Not built yet."""
