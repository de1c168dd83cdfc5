"""The synthetic market: a seeded order flow in which walls stand, break, bounce and vanish. No I/O, no clock."""
