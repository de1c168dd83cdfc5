"""Bybit v5: streams, REST and the translation between wire and domain."""
