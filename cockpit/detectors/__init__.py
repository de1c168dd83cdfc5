"""Floor 2: what stands out in a market: walls (density) and activity."""
