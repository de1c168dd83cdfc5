"""One pure function a rule: facts in, verdict out. Every verdict carries value, threshold and age for the screen.

Evidence that is missing, or older than its source should ever let it become, closes its gate (reliability.md C.2).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.time import NS_PER_S
from cockpit.risk.limits import RiskLimits

HOST_EVIDENCE_S = 5.0
"""The machine's and the venue's reports come every second."""
CLOCK_EVIDENCE_S = 180.0
"""The exchange's clock is read every minute."""
COMMIT_EVIDENCE_S = 30.0
"""An idle journal proves itself every few seconds."""
MARK_EVIDENCE_S = 60.0
"""The ticker of a living market repeats the mark price far more often."""


class Check(msgspec.Struct, frozen=True):
    """Verdict of one rule."""

    name: str
    passed: bool
    value: str
    threshold: str
    age_s: float | None = None
    """Age of the evidence; None where there is none, or it is our own state of this instant."""

    @property
    def text(self) -> str:
        """The verdict in words: what is, and what is needed."""
        return f"{self.name} {self.value} (needs {self.threshold})"


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the entry gate knows of account, connections and machine at one instant."""

    now_ns: int
    state: str
    """The engine's trading state; entries need READY."""
    lock_reasons: tuple[str, ...]
    """Why entries are off (operator, flatten, daily loss, streams, start); empty when they are on."""
    is_market_ended: bool
    open_positions: int
    """Positions plus in-flight entries."""
    unknown_intents: int
    reconciled_ns: int | None
    """Receive time of the last complete read of the account, None before the first."""
    differences: tuple[str, ...]
    """Symbols in which our books and the exchange's word differ."""
    naked: tuple[str, ...]
    """Symbols of our own positions for which the exchange shows no stop, or has not told of one since the start."""
    private_answered_ns: int | None
    """When the private stream answered last; None while it is not up, authenticated and fully subscribed."""
    entries_last_minute: int
    day_pnl_usdt: Decimal
    """Realised plus open profit since 00:00 UTC after fees, or the change of equity if that is worse."""
    day_r_usdt: Decimal
    """1R in USDT at the start of the day, 0 before the first wallet read."""
    balance_ns: int | None
    """When the wallet was told last."""
    equity: Decimal
    margin_used: Decimal
    host_ns: int | None
    """Time of the machine's last report, None before the first."""
    loop_lag_ms: float | None
    disk_free_mb: float | None
    """None if it cannot be told."""
    is_lock_held: bool
    """This process is the one engine of its profile."""
    clock_uncertainty_ms: float | None
    clock_read_ns: int | None
    """When the exchange's clock was read last; None also after a step of our own clock."""
    commit_ms: float | None
    """99th percentile of the last minute's durable commits."""
    committed_ns: int | None
    """When the last commit was durable."""
    room_percent: float | None
    """What is left of our share of the request limits, on the fullest route."""
    room_route: str
    room_ns: int | None
    """When the venue told it."""


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
    mark_ns: int | None
    """When the mark price was told last."""
    reference: float | None
    """The signal's own reference price, None outside a signal."""
    status: str
    """The instrument's status in the exchange's word, "" while its rules are not known."""
    rules_read_at: int | None
    """When the trading rules were read last, ns."""
    mode_read_ns: int | None
    """When the exchange showed the symbol in one-way mode last."""
    has_leverage: bool
    """The exchange has confirmed the configured leverage."""
    has_position: bool
    has_in_flight: bool
    last_entry_ns: int | None
    """Engine time of the last entry of the same symbol and side."""


class OrderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One entry order against its approval and the room that is left."""

    now_ns: int
    expires_ns: int
    """When the approval's signal ends."""
    approved_by: str
    """Who approved it, "" if nobody has."""
    margin_usdt: Decimal
    """Initial margin of the order."""
    notional_usdt: Decimal
    margin_used: Decimal
    equity: Decimal
    limit_price: Decimal
    """Worst price at which the order may fill."""
    mark: Decimal | None
    """The exchange's mark price as it was told last, None before that."""
    mark_ns: int | None


def account_checks(facts: AccountFacts, limits: RiskLimits) -> list[Check]:
    """The rules that hold for every symbol."""
    return [
        _state(facts),
        Check("market", not facts.is_market_ended, "ended" if facts.is_market_ended else "running", "running"),
        _private_stream(facts, limits),
        _reconciled(facts, limits),
        Check("books agree", not facts.differences, ", ".join(facts.differences) or "yes", "yes"),
        Check("missing stops", not facts.naked, ", ".join(facts.naked) or "none", "none"),
        Check("unknown orders", facts.unknown_intents == 0, str(facts.unknown_intents), "0"),
        Check(
            "positions",
            facts.open_positions < limits.max_positions,
            str(facts.open_positions),
            f"< {limits.max_positions}",
        ),
        _exposure(facts, limits),
        _day_loss(facts, limits),
        Check(
            "entry rate",
            facts.entries_last_minute < limits.max_entries_per_minute,
            f"{facts.entries_last_minute}/min",
            f"< {limits.max_entries_per_minute}/min",
        ),
        _request_room(facts, limits),
        _clock(facts, limits),
        *_machine(facts, limits),
    ]


def market_checks(facts: MarketFacts, limits: RiskLimits, now_ns: int) -> list[Check]:
    """The rules of one symbol."""
    book_age = _age_s(now_ns, facts.book_recv_ns)
    return [
        Check(
            "book",
            facts.is_book_valid,
            "valid" if facts.is_book_valid else facts.book_reason or "no data",
            "valid",
            book_age,
        ),
        _book_age(facts, limits, now_ns),
        _at_most("spread", facts.spread_bps, limits.max_spread_bps, "bp", book_age),
        _mark(facts, limits, now_ns),
        _deviation("drift", facts.mid, facts.reference, limits.max_drift_pct, book_age),
        *_symbol_setup(facts, limits, now_ns),
        Check("one position", not facts.has_position, "open" if facts.has_position else "none", "none"),
        Check("in flight", not facts.has_in_flight, "busy" if facts.has_in_flight else "free", "free"),
        _not_duplicate(facts, limits, now_ns),
    ]


def order_checks(facts: OrderFacts, limits: RiskLimits) -> list[Check]:
    """The rules of one entry order: its approval, and exposure and value with it."""
    left_s = (facts.expires_ns - facts.now_ns) / NS_PER_S
    is_live = bool(facts.approved_by) and left_s >= 0
    room = facts.equity * _exact(limits.max_exposure_pct) / 100
    with_it = facts.margin_used + facts.margin_usdt
    share = f"{with_it / facts.equity * 100:.2f} %" if facts.equity > 0 else "no data"
    return [
        Check("approval", is_live, f"{facts.approved_by or 'nobody'}, {left_s:.0f} s left", "given and live"),
        Check("exposure", facts.equity > 0 and with_it <= room, share, f"<= {limits.max_exposure_pct:g} %"),
        Check(
            "order value",
            facts.notional_usdt <= _exact(limits.max_notional_usdt),
            f"{facts.notional_usdt:.0f} USDT",
            f"<= {limits.max_notional_usdt:g} USDT",
        ),
        _price_to_mark(facts, limits),
    ]


def _price_to_mark(facts: OrderFacts, limits: RiskLimits) -> Check:
    """The order's own limit against the mark price, exactly (reliability.md P14)."""
    threshold = f"<= {limits.max_mark_deviation_pct:g} %"
    age = _age_s(facts.now_ns, facts.mark_ns)
    if facts.mark is None or not facts.mark.is_finite() or facts.mark <= 0 or _is_old(age, MARK_EVIDENCE_S):
        return Check("price to mark", False, "no data", threshold, age)
    off = abs(facts.limit_price - facts.mark) * 100
    is_near = off <= facts.mark * _exact(limits.max_mark_deviation_pct)
    return Check("price to mark", is_near, f"{off / facts.mark:.3f} %", threshold, age)


def _state(facts: AccountFacts) -> Check:
    is_ready = facts.state == "READY" and not facts.lock_reasons
    reasons = ", ".join(facts.lock_reasons)
    return Check("state", is_ready, f"{facts.state}: {reasons}" if reasons else facts.state, "READY")


def _private_stream(facts: AccountFacts, limits: RiskLimits) -> Check:
    """Authenticated, every topic acknowledged, and alive in both directions by its last answer."""
    threshold = f"<= {limits.max_pong_age_s:g} s"
    age = _age_s(facts.now_ns, facts.private_answered_ns)
    if age is None:
        return Check("private stream", False, "not up", threshold)
    return Check("private stream", age <= limits.max_pong_age_s, f"{age:.0f} s", threshold, age)


def _reconciled(facts: AccountFacts, limits: RiskLimits) -> Check:
    threshold = f"<= {limits.max_reconcile_age_s:g} s"
    age = _age_s(facts.now_ns, facts.reconciled_ns)
    if age is None:
        return Check("reconciled", False, "never", threshold)
    return Check("reconciled", age <= limits.max_reconcile_age_s, f"{age:.0f} s", threshold, age)


def _exposure(facts: AccountFacts, limits: RiskLimits) -> Check:
    """Margin of positions and everything in flight; the order itself is counted by ``order_checks``."""
    threshold = f"< {limits.max_exposure_pct:g} %"
    age = _age_s(facts.now_ns, facts.balance_ns)
    if facts.equity <= 0:
        return Check("exposure used", False, "no data", threshold, age)
    share = facts.margin_used / facts.equity * 100
    return Check("exposure used", share < _exact(limits.max_exposure_pct), f"{share:.2f} %", threshold, age)


def _day_loss(facts: AccountFacts, limits: RiskLimits) -> Check:
    threshold = f"> -{limits.day_loss_limit_r:g} R"
    age = _age_s(facts.now_ns, facts.balance_ns)
    if facts.day_r_usdt <= 0:
        return Check("day loss", False, "no data", threshold, age)
    day_r = facts.day_pnl_usdt / facts.day_r_usdt
    return Check("day loss", day_r > -_exact(limits.day_loss_limit_r), f"{day_r:+.1f} R", threshold, age)


def _request_room(facts: AccountFacts, limits: RiskLimits) -> Check:
    threshold = f">= {limits.min_request_room_pct:g} %"
    age = _age_s(facts.now_ns, facts.room_ns)
    if facts.room_percent is None or _is_old(age, HOST_EVIDENCE_S):
        return Check("request room", False, "no data", threshold, age)
    is_open = facts.room_percent >= limits.min_request_room_pct
    route = "" if is_open else f" {facts.room_route}"
    return Check("request room", is_open, f"{facts.room_percent:.0f} %{route}", threshold, age)


def _clock(facts: AccountFacts, limits: RiskLimits) -> Check:
    age = _age_s(facts.now_ns, facts.clock_read_ns)
    value = None if _is_old(age, CLOCK_EVIDENCE_S) else facts.clock_uncertainty_ms
    return _at_most("clock", value, limits.max_clock_uncertainty_ms, "ms", age)


def _machine(facts: AccountFacts, limits: RiskLimits) -> list[Check]:
    """Disk, journal, loop and process lock, by the machine's own report."""
    age = _age_s(facts.now_ns, facts.host_ns)
    is_old = _is_old(age, HOST_EVIDENCE_S)
    lag = None if is_old else facts.loop_lag_ms
    free = None if is_old else facts.disk_free_mb
    least = f">= {_megabytes(limits.min_disk_mb)}"
    commit_age = _age_s(facts.now_ns, facts.committed_ns)
    commit = None if is_old or _is_old(commit_age, COMMIT_EVIDENCE_S) else facts.commit_ms
    is_held = facts.is_lock_held and not is_old
    return [
        Check("disk", False, "no data", least, age)
        if free is None
        else Check("disk", free >= limits.min_disk_mb, _megabytes(free), least, age),
        _at_most("commit", commit, limits.max_commit_ms, "ms", commit_age),
        _at_most("loop lag", lag, limits.max_loop_lag_ms, "ms", age),
        Check("process lock", is_held, "held" if is_held else "not held", "held", age),
    ]


def _book_age(facts: MarketFacts, limits: RiskLimits, now_ns: int) -> Check:
    """Silence since the last frame, and what that frame had waited on its way (reliability.md F27)."""
    threshold = f"<= {limits.max_book_age_s:g} s"
    silence = _age_s(now_ns, facts.book_recv_ns)
    if silence is None:
        return Check("book age", False, "no data", threshold)
    age = silence + facts.book_lag_s
    return Check("book age", age <= limits.max_book_age_s, f"{age:.1f} s", threshold, age)


def _mark(facts: MarketFacts, limits: RiskLimits, now_ns: int) -> Check:
    """The book against the price by which the exchange triggers stops; both must be of now."""
    age = _age_s(now_ns, facts.mark_ns)
    mark = None if _is_old(age, MARK_EVIDENCE_S) else facts.mark
    return _deviation("mid to mark", facts.mid, mark, limits.max_mark_deviation_pct, age)


def _symbol_setup(facts: MarketFacts, limits: RiskLimits, now_ns: int) -> list[Check]:
    """The contract as the exchange runs it, and the account's settings for it."""
    rules_age = _age_s(now_ns, facts.rules_read_at)
    old_rules = f"<= {limits.max_rules_age_s / 60:g} min"
    mode_age = _age_s(now_ns, facts.mode_read_ns)
    return [
        Check("instrument", facts.status == "Trading", facts.status or "no data", "Trading", rules_age),
        Check("rules age", False, "no data", old_rules)
        if rules_age is None
        else Check("rules age", rules_age <= limits.max_rules_age_s, f"{rules_age / 60:.0f} min", old_rules, rules_age),
        Check(
            "position mode", mode_age is not None, "not known" if mode_age is None else "one-way", "one-way", mode_age
        ),
        Check("leverage", facts.has_leverage, "set" if facts.has_leverage else "not confirmed", "set"),
    ]


def _megabytes(value: float) -> str:
    return f"{value:.0f} MB" if value < 10_000 else f"{value / 1000:.0f} GB"


def _at_most(name: str, value: float | None, limit: float, unit: str, age_s: float | None) -> Check:
    threshold = f"<= {limit:g} {unit}"
    if value is None:
        return Check(name, False, "no data", threshold, age_s)
    digits = 2 if abs(value) < 100 else 0
    return Check(name, value <= limit, f"{value:.{digits}f} {unit}", threshold, age_s)


def _deviation(name: str, price: float | None, other: float | None, limit_pct: float, age_s: float | None) -> Check:
    threshold = f"<= {limit_pct:g} %"
    if price is None or other is None or other == 0:
        return Check(name, False, "no data", threshold, age_s)
    percent = abs(price / other - 1) * 100
    return Check(name, percent <= limit_pct, f"{percent:.3f} %", threshold, age_s)


def _not_duplicate(facts: MarketFacts, limits: RiskLimits, now_ns: int) -> Check:
    threshold = f"> {limits.duplicate_window_s:g} s"
    age = _age_s(now_ns, facts.last_entry_ns)
    if age is None:
        return Check("duplicate", True, "none", threshold)
    return Check("duplicate", age > limits.duplicate_window_s, f"{age:.1f} s", threshold)


def _age_s(now_ns: int, then_ns: int | None) -> float | None:
    """Age of evidence; what seems to come from the future (a clock was set) is of now."""
    return None if then_ns is None else max(0, now_ns - then_ns) / NS_PER_S


def _is_old(age_s: float | None, limit_s: float) -> bool:
    """True for missing evidence too."""
    return age_s is None or age_s > limit_s


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))
