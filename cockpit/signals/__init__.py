"""Floor 3: from walls and activity to signals with their gates. Approval, risk and orders are above."""
