"""Floor 1: the state of one market (book, tape, extrema) out of its events, and pure measures of it."""
