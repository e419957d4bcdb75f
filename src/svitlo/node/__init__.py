"""One running contact point: its settings, keys, journeys and self-check."""
