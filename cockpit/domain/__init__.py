"""Floor 0: values and rules of the field. No I/O, no clock, no asyncio; imports nothing of the project."""
