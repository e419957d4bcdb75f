"""Parts, needs, pledges, deliveries and stock. Not built yet."""
