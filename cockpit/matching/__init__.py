"""Leaf: pure simulated matching of one account against external liquidity."""
