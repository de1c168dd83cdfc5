"""The gate that every entry passes. Only ``review`` makes a ``RiskApproved``; only that can be submitted."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from cockpit.domain.orders import OrderRequest
from cockpit.risk.checks import Check

T = TypeVar("T")


class _Seal:
    """Held by this module alone: makes ``RiskApproved`` unforgeable by accident."""


_SEAL = _Seal()


class RiskApproved(Generic[T]):
    """Proof that the gate let ``order`` through."""

    __slots__ = ("checks", "order")

    def __init__(self, order: T, checks: tuple[Check, ...], seal: _Seal) -> None:
        if seal is not _SEAL:
            raise TypeError("only risk.gate.review approves")
        self.order = order
        self.checks = checks


class RiskRefused(msgspec.Struct, frozen=True):
    """The gate's no, with every rule that failed."""

    failed: tuple[Check, ...]

    @property
    def text(self) -> str:
        """The failed rules in one line."""
        return "; ".join(check.text for check in self.failed)


def review(order: OrderRequest, checks: list[Check]) -> RiskApproved[OrderRequest] | RiskRefused:
    """Approve an entry if every check passed and a stop is attached."""
    stop = Check("stop attached", order.stop_loss is not None, "yes" if order.stop_loss is not None else "no", "yes")
    every = (*checks, stop)
    failed = tuple(check for check in every if not check.passed)
    return RiskRefused(failed) if failed else RiskApproved(order, every, _SEAL)
