"""One pure function a rule: facts in, verdict out. Every verdict carries its value and threshold for the screen."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.time import NS_PER_S
from cockpit.risk.limits import RiskLimits


class Check(msgspec.Struct, frozen=True):
    """Verdict of one rule."""

    name: str
    passed: bool
    value: str
    threshold: str


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the entry gate knows of account and connections at one instant."""

    now_ns: int
    lock_reasons: tuple[str, ...]
    """Why entries are off (operator, flatten, daily loss, streams, start); empty when they are on."""
    is_market_ended: bool
    open_positions: int
    """Positions plus in-flight entries."""
    unknown_intents: int
    reconciled_ns: int | None
    """Receive time of the last complete read of the account, None before the first."""
    entries_last_minute: int
    day_pnl_usdt: Decimal
    """Realised plus open profit since 00:00 UTC after fees, or the change of equity if that is worse."""
    day_r_usdt: Decimal
    """1R in USDT at the start of the day, 0 before the first wallet read."""
    equity: Decimal
    margin_used: Decimal
    loop_lag_ms: float | None
    """None before the first report of the host."""
    disk_free_mb: float | None
    """None if it cannot be told; then this gate does not hold entries back."""


class MarketFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the entry gate knows of one symbol at one instant."""

    symbol: str
    is_book_valid: bool
    book_reason: str
    book_recv_ns: int | None
    """Receive time of the symbol's last book frame or heartbeat."""
    book_lag_s: float = 0.0
    """How old the symbol's last frame was when it arrived, by the exchange's clock; 0 where that cannot be told."""
    spread_bps: float | None
    mid: float | None
    mark: float | None
    reference: float | None
    """The signal's own reference price, None outside a signal."""
    is_tradable: bool
    has_leverage: bool
    """The exchange has confirmed the configured leverage."""
    has_position: bool
    has_in_flight: bool
    last_entry_ns: int | None
    """Engine time of the last entry of the same symbol and side."""


def account_checks(facts: AccountFacts, limits: RiskLimits) -> list[Check]:
    """The rules that hold for every symbol."""
    return [
        _unlocked(facts),
        Check("market", not facts.is_market_ended, "ended" if facts.is_market_ended else "running", "running"),
        Check(
            "positions",
            facts.open_positions < limits.max_positions,
            str(facts.open_positions),
            f"< {limits.max_positions}",
        ),
        Check("unknown orders", facts.unknown_intents == 0, str(facts.unknown_intents), "0"),
        _reconciled(facts, limits),
        Check(
            "entry rate",
            facts.entries_last_minute < limits.max_entries_per_minute,
            f"{facts.entries_last_minute}/min",
            f"< {limits.max_entries_per_minute}/min",
        ),
        _day_loss(facts, limits),
        _at_most("loop lag", facts.loop_lag_ms, limits.max_loop_lag_ms, "ms"),
        _disk(facts, limits),
    ]


def market_checks(facts: MarketFacts, limits: RiskLimits, now_ns: int) -> list[Check]:
    """The rules of one symbol."""
    return [
        Check("book", facts.is_book_valid, "valid" if facts.is_book_valid else facts.book_reason or "no data", "valid"),
        _book_age(facts, limits, now_ns),
        _at_most("spread", facts.spread_bps, limits.max_spread_bps, "bp"),
        _deviation("mid to mark", facts.mid, facts.mark, limits.max_mark_deviation_pct),
        _deviation("drift", facts.mid, facts.reference, limits.max_drift_pct),
        Check("instrument", facts.is_tradable, "trading" if facts.is_tradable else "not trading", "trading"),
        Check("leverage", facts.has_leverage, "set" if facts.has_leverage else "not confirmed", "set"),
        Check("one position", not facts.has_position, "open" if facts.has_position else "none", "none"),
        Check("in flight", not facts.has_in_flight, "busy" if facts.has_in_flight else "free", "free"),
        _not_duplicate(facts, limits, now_ns),
    ]


def _unlocked(facts: AccountFacts) -> Check:
    return Check("entries", not facts.lock_reasons, ", ".join(facts.lock_reasons) or "on", "on")


def _reconciled(facts: AccountFacts, limits: RiskLimits) -> Check:
    threshold = f"<= {limits.max_reconcile_age_s:g} s"
    if facts.reconciled_ns is None:
        return Check("reconciled", False, "never", threshold)
    age = (facts.now_ns - facts.reconciled_ns) / NS_PER_S
    return Check("reconciled", age <= limits.max_reconcile_age_s, f"{age:.0f} s", threshold)


def _day_loss(facts: AccountFacts, limits: RiskLimits) -> Check:
    threshold = f"> -{limits.day_loss_limit_r:g} R"
    if facts.day_r_usdt <= 0:
        return Check("day loss", False, "no data", threshold)
    day_r = facts.day_pnl_usdt / facts.day_r_usdt
    return Check("day loss", day_r > -Decimal(repr(limits.day_loss_limit_r)), f"{day_r:+.1f} R", threshold)


def _disk(facts: AccountFacts, limits: RiskLimits) -> Check:
    threshold = f">= {limits.min_disk_mb:g} MB"
    if facts.disk_free_mb is None:
        return Check("disk", True, "no data", threshold)
    return Check("disk", facts.disk_free_mb >= limits.min_disk_mb, f"{facts.disk_free_mb:.0f} MB", threshold)


def _book_age(facts: MarketFacts, limits: RiskLimits, now_ns: int) -> Check:
    """Silence since the last frame, and what that frame had waited on its way (reliability.md F27)."""
    threshold = f"<= {limits.max_book_age_s:g} s"
    if facts.book_recv_ns is None:
        return Check("book age", False, "no data", threshold)
    age = (now_ns - facts.book_recv_ns) / NS_PER_S + facts.book_lag_s
    return Check("book age", age <= limits.max_book_age_s, f"{age:.1f} s", threshold)


def _at_most(name: str, value: float | None, limit: float, unit: str) -> Check:
    threshold = f"<= {limit:g} {unit}"
    if value is None:
        return Check(name, False, "no data", threshold)
    return Check(name, value <= limit, f"{value:.2f} {unit}", threshold)


def _deviation(name: str, price: float | None, other: float | None, limit_pct: float) -> Check:
    threshold = f"<= {limit_pct:g} %"
    if price is None or other is None or other == 0:
        return Check(name, False, "no data", threshold)
    percent = abs(price / other - 1) * 100
    return Check(name, percent <= limit_pct, f"{percent:.3f} %", threshold)


def _not_duplicate(facts: MarketFacts, limits: RiskLimits, now_ns: int) -> Check:
    threshold = f"> {limits.duplicate_window_s:g} s"
    if facts.last_entry_ns is None:
        return Check("duplicate", True, "none", threshold)
    age = (now_ns - facts.last_entry_ns) / NS_PER_S
    return Check("duplicate", age > limits.duplicate_window_s, f"{age:.1f} s", threshold)
