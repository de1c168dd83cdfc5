"""Floor 1: the state of a market as its events tell it. No detector, no rule, no clock."""
