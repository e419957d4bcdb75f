"""A node for contact points: prove attacks on civilian infrastructure, repair what was hit."""
