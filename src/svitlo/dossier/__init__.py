"""Export for a court, and its verification offline."""
