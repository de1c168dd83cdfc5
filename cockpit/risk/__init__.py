"""Floor 4: limits, sizing and the gate that every entry passes."""
