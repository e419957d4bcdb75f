"""From damage to a restoration plan. Not built yet."""
