"""Simulated matching of one account against an outside market. Pure: no I/O, no clock, no randomness."""
