"""Leaf: what the outside may see of the engine, ready to be shown."""
