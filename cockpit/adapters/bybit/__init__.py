"""Bybit v5: the only room that knows the exchange's words. Outside it there are only domain values and the ports."""
