"""Floor 0.5: protocols that the engine needs from the outside world. No code, no I/O."""
