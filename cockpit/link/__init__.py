"""The boundary between the engine and its screens."""
