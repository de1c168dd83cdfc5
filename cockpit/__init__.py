"""Terminal cockpit for trading liquidity walls on Bybit."""

__version__ = "0.1.0"
