"""What contact points say to each other. Not built yet."""
