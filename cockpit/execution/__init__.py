"""Floor 5: orders, positions and exits; what is in flight and how it is reconciled."""
