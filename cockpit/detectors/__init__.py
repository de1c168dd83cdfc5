"""Floor 2: what stands out in a market: walls (density) and trading activity. No rule that trades lives here."""
