"""Adapters: the outside world behind the ports. They do not know each other."""
