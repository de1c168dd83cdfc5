"""The simulated exchange: a server process that speaks Bybit v5 on loopback. Shares no code with the Bybit adapter."""
