"""Reasons that keep entries off: their names, who takes them away, and the state they add up to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from cockpit.domain.enums import StreamName
from cockpit.ports.journal import REBUILT_FLAG

ACCOUNT = "account"
KEY = "key"
BAN = "ban"
MAINTENANCE = "maintenance"
UNKNOWN = "unknown"
FLATTEN = "flatten"
PAUSED = "paused"
DAY_LOSS = "day loss"
DAY_LOSS_FLAG = "day_loss_lock"
REBUILT = "journal rebuilt"
INSTANCE = "instance"
STOP_GUARD = "stop guard"
LIQUIDATION = "liquidation"
LEDGER = "ledger"
JOURNAL = "journal"

OPERATOR_CLEARS: Mapping[str, str] = {
    PAUSED: "paused",
    DAY_LOSS: DAY_LOSS_FLAG,
    REBUILT: REBUILT_FLAG,
    INSTANCE: "instance_lock",
    STOP_GUARD: "stop_guard_lock",
    LIQUIDATION: "liquidation_lock",
}
"""Locks that hold over restarts until an operator resumes (reliability.md C.1), each with its durable flag. So does a
money mismatch, whose end has consequences of its own (``ledger_desk``)."""

STREAMS = frozenset(f"{name} stream" for name in StreamName)


class TradingState(StrEnum):
    """What the engine as a whole does (reliability.md C.1)."""

    BOOT = "BOOT"
    """The streams have not come up yet."""
    RECONCILING = "RECONCILING"
    """The account is being read; nothing else keeps entries off."""
    READY = "READY"
    """No reason keeps entries off; each entry still has to pass its gates."""
    LOCKED = "LOCKED"
    """Entries are off for a reason; exits and protection work."""
    FLATTENING = "FLATTENING"
    """Everything is being closed."""
    HALTED = "HALTED"
    """The exchange refuses the key or this address: nothing but probes leaves, stops stand."""
    MAINTENANCE = "MAINTENANCE"
    """The exchange does not serve: it is asked slowly, and the account is read when it is back."""


def trading_state(locks: Collection[str], *, is_account_known: bool) -> TradingState:
    """The state that a set of reasons adds up to.

    Args:
        locks: names of the reasons.
        is_account_known: the account has been read completely since the start.
    """
    if not locks:
        return TradingState.READY
    for name, state in _STRONGEST:
        if name in locks:
            return state
    names = set(locks)
    if not is_account_known and names <= STREAMS | {ACCOUNT, LEDGER}:
        return TradingState.BOOT if names & STREAMS else TradingState.RECONCILING
    return TradingState.RECONCILING if names <= {ACCOUNT, LEDGER} else TradingState.LOCKED


_STRONGEST = (
    (FLATTEN, TradingState.FLATTENING),
    (KEY, TradingState.HALTED),
    (BAN, TradingState.HALTED),
    (MAINTENANCE, TradingState.MAINTENANCE),
)
