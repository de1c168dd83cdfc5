"""Words of the engine for people: log lines, states, gates. The legends of the screen are its own."""

from __future__ import annotations

SIGNAL_CODES = {"breakout": "BRK", "bounce": "BNC", "retest": "RTS", "momentum": "MOM"}
"""Three letters for each kind of signal."""

WALL_NEW = "wall {side} {price} {usd} USDT"
WALL_EATEN = "wall {side} {price} eaten {percent} % by trades"
WALL_PULLED = "wall {side} {price} pulled {percent} % (no trades)"
WALL_GONE = "wall {side} {price} gone: {reason}, traded {traded} %, pulled {pulled} %"
SIGNAL_RAISED = "signal {id} {code} {direction} at wall {price}"
SIGNAL_ENDED = "signal {id} {code} {direction} {state}{reason}"
AUTO_REFUSED = "auto approval of {id} {code} {direction} refused: {reason}"
ORDER = "order {id} {side} {status}{reason}"
FILL = "fill {side} {qty} @{price} fee {fee}"
OPENED = "position {direction} {qty} @{price}"
CLOSED = "closed {direction} {qty} by {reason}: {net} USDT {r}"
STOP = "SL {price} exchange-ack{ms}"
ENTRIES_ON = "entries on"
ENTRIES_OFF = "entries off: {reasons}"
BOOK_VALID = "book valid"
BOOK_INVALID = "book INVALID: {reason}"
COMMAND_REFUSED = "{action} refused: {reason}"
COMMAND_TAKEN = "{action} by {operator}"

LONG, SHORT = "L", "S"
BID, ASK = "B", "A"
NO_DATA = "no data"
NOT_AVAILABLE = "n/a"
UP, DOWN, FLAT = "UP", "DOWN", "flat"

ENTRIES_ENABLED = "ENABLED"
ENTRIES_PAUSED = "PAUSED"
ENTRIES_LOCKED = "LOCKED"
FLATTENING = "FLATTENING"
