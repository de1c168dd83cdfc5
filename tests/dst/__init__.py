"""Deterministic fault simulation: the real core and runner on virtual time against a model of the exchange.

The model (``exchange``) is written from the protocol reference and shares no decision code with the engine; what
crosses the boundary is the vocabulary of the ports. One seed is one schedule: faults, people and market are drawn from
it. ``make dst SCHEDULES=n SEED=s`` runs many, ``make dst-replay SEED=s`` prints one.
"""
