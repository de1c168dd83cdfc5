"""Request budgets per route and second, and the headers that tell them (bybit-v5.md 3.2). Pure, time is passed in."""

from __future__ import annotations

from collections import deque

import msgspec

WINDOW_MS = 1000

PER_SECOND = {
    "/v5/order/create": 10,
    "/v5/order/amend": 10,
    "/v5/order/cancel": 10,
    "/v5/order/cancel-all": 10,
    "/v5/order/create-batch": 10,
    "/v5/order/amend-batch": 10,
    "/v5/order/cancel-batch": 10,
    "/v5/order/realtime": 50,
    "/v5/order/history": 50,
    "/v5/execution/list": 50,
    "/v5/position/list": 50,
    "/v5/position/closed-pnl": 50,
    "/v5/position/set-leverage": 10,
    "/v5/position/switch-mode": 10,
    "/v5/position/trading-stop": 10,
    "/v5/account/wallet-balance": 50,
    "/v5/account/info": 50,
    "/v5/account/transaction-log": 25,
    "/v5/account/fee-rate": 5,
    "/v5/account/set-margin-mode": 5,
    "/v5/user/query-api": 10,
    "/v5/asset/coin/query-info": 5,
}
"""Requests per rolling second and route; routes not listed have none."""


class Allowance(msgspec.Struct, frozen=True):
    """State of a route's budget after a request."""

    is_allowed: bool
    limit: int
    left: int
    reset_ms: int
    """When a request will be possible again; about now while some are left."""

    def headers(self) -> dict[str, str]:
        """The rate headers of a private reply."""
        return {
            "X-Bapi-Limit": str(self.limit),
            "X-Bapi-Limit-Status": str(self.left),
            "X-Bapi-Limit-Reset-Timestamp": str(self.reset_ms),
        }


class RateLimits:
    """Rolling windows per route."""

    def __init__(self) -> None:
        self._taken: dict[str, deque[int]] = {}

    def take(self, route: str, now_ms: int, count: int = 1) -> Allowance | None:
        """Use ``count`` requests of ``route``; None for routes without a budget."""
        limit = PER_SECOND.get(route)
        if limit is None:
            return None
        taken = self._taken.setdefault(route, deque())
        while taken and taken[0] <= now_ms - WINDOW_MS:
            taken.popleft()
        if len(taken) + count > limit:
            reset_ms = taken[0] + WINDOW_MS if taken else now_ms + WINDOW_MS
            return Allowance(False, limit, 0, reset_ms)
        taken.extend([now_ms] * count)
        return Allowance(True, limit, limit - len(taken), now_ms)
