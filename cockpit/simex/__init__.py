"""The simulated exchange: a separate process that speaks Bybit v5 on loopback."""
