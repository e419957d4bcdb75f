"""svitlo: a node for contact points that proves attacks on civilian infrastructure and repairs what was hit."""
