"""View sections: complete, immutable, ready to be shown. No decision reads them; no section refers to another.

Prices, sizes and money come as text in the instrument's own precision; numbers stand only where a widget draws, sorts
or counts with them. Each section travels alone and replaces the earlier one of its kind.
"""

from __future__ import annotations

import msgspec


class GateView(msgspec.Struct, frozen=True, gc=False):
    """One gate or exit condition: value against threshold."""

    name: str
    value: str
    threshold: str
    """With its comparison, as in ">= 30 %"."""
    state: str
    """ok | fail | no data | warming | off"""
    age_ms: int | None = None


class HeaderView(msgspec.Struct, frozen=True, kw_only=True, tag="header"):
    """What must be visible always."""

    environment: str
    """SIM, PAPER (relay), DEMO, TESTNET, LIVE or REPLAY."""
    source: str
    """Market source in words: "synthetic", "recording NAME", "relay", "bybit"."""
    account: str = ""
    """The last digits of the account's number; "" on the simulated exchange."""
    speed: str = ""
    """"x4" when the source does not run at its own pace."""
    is_ended: bool = False
    """The recording has come to its end: no entries."""
    profile: str = ""
    symbols: list[str] = []
    """All symbols of the engine, in configured order."""
    md_ms: int | None = None
    """Market-data age at arrival, exchange stamp to receipt (median of the last seconds)."""
    order_ms: int | None = None
    """Round trip of the last order request."""
    day_r: str = ""
    day_limit_r: str = ""
    day_money: str = ""
    positions_open: int = 0
    positions_max: int = 0
    approval: str = "manual"
    entries: str = ""
    """ENABLED, CLOSED (a gate is), PAUSED, LOCKED, FLATTENING, HALTED, MAINTENANCE, BOOT or RECONCILING."""
    blocks: list[str] = []
    """Why entries are off, one phrase a reason."""
    state: str = ""
    """The engine's trading state; READY while no reason keeps entries off."""
    closed: str = ""
    """The first closed entry gate that holds for every symbol, in words; "" if none is."""
    streams_up: int = 0
    streams_wanted: int = 0
    now_ms: int = 0
    """Engine wall clock, ms since 1970-01-01 UTC."""
    preset: str = ""
    recorder: str = ""
    tasks_bad: list[str] = []
    """Names of tasks that are not running."""


class WallMark(msgspec.Struct, frozen=True, gc=False):
    """A tracked wall of the shown symbol, for the ladder."""

    ticks: int
    is_bid: bool
    level: int
    """1: a wall by the preset's rule (w). 2: three times that (W)."""
    fate_percent: int
    """Of its first size: pulled where the code is P, else eaten by trades; 100 is all of it, refills or not."""
    code: str
    """C consumed, P pulled, R refilled, ? younger than the lookback, "" stable."""
    age_s: int
    size: str
    usd: str


class OwnMark(msgspec.Struct, frozen=True, gc=False):
    """Something of ours at a price: an order, the entry, a stop."""

    ticks: int
    kind: str
    """entry | stop | take_profit | breakeven | order"""
    text: str
    """"E", "SL", "TP", "BE", or the order's size."""
    state: str = "acked"
    """sent | acked | cancelling"""
    is_buy: bool = True


class BookView(msgspec.Struct, frozen=True, kw_only=True, tag="book"):
    """Order book of one symbol. Prices are whole ticks: price = ticks * tick_size."""

    symbol: str
    tick_size: str
    price_decimals: int
    qty_decimals: int
    bids: list[tuple[int, float]]
    """(ticks, size), best first."""
    asks: list[tuple[int, float]]
    traded: list[tuple[int, float, float]] = []
    """(ticks, bought, sold) of the last 60 s."""
    state: str = "VALID"
    """VALID | INVALID | STALE | NO DATA"""
    state_reason: str = ""
    age_ms: int = 0
    """Since the last frame of the symbol was received."""
    spread: str = ""
    spread_bps: str = ""
    mid: str = ""
    last_ticks: int | None = None
    last_is_buy: bool = True
    full_bar: float = 0.0
    """Size at which a bar is full; changes at most once a minute."""
    walls: list[WallMark] = []
    own: list[OwnMark] = []
    changes: list[tuple[int, float]] = []
    """(ticks, size change since the last second that trades do not explain) for the pull/stack column."""


class TapeRow(msgspec.Struct, frozen=True, gc=False):
    """One line of the tape: trades of the same side within 100 ms at one price."""

    time: str
    price: str
    size: str
    is_buy: bool
    is_large: bool


class FlowView(msgspec.Struct, frozen=True, kw_only=True, tag="flow"):
    """Activity and tape of one symbol."""

    symbol: str
    tape: list[TapeRow] = []
    """Newest first."""
    tpm_10s: str = ""
    tpm_60s: str = ""
    tps_10s: str = ""
    delta_10s: str = ""
    delta_60s: str = ""
    delta_300s: str = ""
    ratio_60s: str = ""
    activity: str = ""
    activity_parts: str = ""
    is_dropping: bool = False
    is_warming: bool = True
    imbalance_5: str = ""
    imbalance_10: str = ""
    microprice_ticks: str = ""
    """Distance of the microprice from the mid in ticks."""
    trend: str = ""
    tpm_series: list[float] = []
    """One point a second, oldest first, at most 120."""
    delta_series: list[float] = []
    activity_series: list[float] = []


class WatchRow(msgspec.Struct, frozen=True, gc=False):
    """One symbol of the watch list."""

    symbol: str
    last: str
    change: str
    """24 h change, "n/a" without data."""
    tpm: str
    walls: int
    signals: int
    has_position: bool
    state: str
    age_ms: int
    spark: tuple[float, ...] = ()


class WatchlistView(msgspec.Struct, frozen=True, tag="watchlist"):
    """All symbols."""

    rows: list[WatchRow] = []


class WallRow(msgspec.Struct, frozen=True, gc=False):
    """One wall in the list of all symbols."""

    wall_id: str
    symbol: str
    is_bid: bool
    price: str
    ticks: int
    distance_percent: float
    multiple: str
    """Size as a multiple of its neighbours."""
    usd: str
    fate_percent: int
    """As in the ladder's mark."""
    code: str
    age: str
    touches: int
    is_cluster: bool
    is_round: bool = False


class WallsView(msgspec.Struct, frozen=True, tag="walls"):
    """Walls of all symbols by distance from the touch."""

    rows: list[WallRow] = []


class TicketView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The order that approving a signal would send, in words."""

    side: str
    qty: str
    entry: str
    """Limit of the IOC entry (the collar)."""
    stop: str
    take_profit: str
    risk_money: str
    """1R in USDT."""
    risk_percent: str
    notional: str
    reward_r: str
    fees: str
    slippage: str
    """Expected, from the book as it stands."""
    cut: str = ""
    """Why the size was cut, "" if it was not."""
    refusal: str = ""
    """Why no order can be made of this signal, "" if one can."""


class SignalRow(msgspec.Struct, frozen=True, kw_only=True):
    """One card of the queue."""

    signal_id: str
    content_hash: str
    code: str
    """BRK, BNC, ..."""
    direction: str
    """L or S."""
    symbol: str
    price: str
    priority: str
    headline: str
    """One phrase: "eat 81% = trades 76 + pulled 5"."""
    gates: list[GateView]
    ticket: TicketView
    remaining_ms: int
    ttl_ms: int
    shown_since_ms: int
    """Engine wall clock at which the card entered the queue, ms."""
    state: str
    """live | sending | refused"""
    note: str = ""


class SignalsView(msgspec.Struct, frozen=True, kw_only=True, tag="signals"):
    """The queue, highest priority first, and what became of the last ones."""

    rows: list[SignalRow] = []
    ended: list[str] = []
    """Last ended signals, newest first, in words."""


class PositionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One open position."""

    symbol: str
    is_long: bool
    qty: str
    entry: str
    mark: str
    pnl_r: str
    pnl_ticks: str
    pnl_percent: str
    pnl_money: str
    fees: str
    is_profit: bool
    stop: str
    stop_state: str
    """ack | sent | missing | moving"""
    stop_ack_ms: int | None
    breakeven: str
    at_breakeven: bool
    age: str
    liquidation: str
    is_foreign: bool
    exits: list[GateView] = []
    """Exit conditions with value and threshold."""
    state: str = "open"
    """open | closing | unknown"""


class ClosedRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A trade of ours that has ended."""

    number: int
    """Counts up over the life of the engine."""
    symbol: str
    is_long: bool
    qty: str
    reason: str
    """What closed it, in words: "stop loss", "wall eroded", "operator"."""
    money: str
    """Net of fees, signed."""
    r: str
    """Net in R, "" where the trade had no risk to count in."""


class PositionsView(msgspec.Struct, frozen=True, tag="positions"):
    """All open positions of the account, and the last trades that ended."""

    rows: list[PositionRow] = []
    closed: list[ClosedRow] = []
    """Newest first."""


class OrderRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One open or in-flight order."""

    client_id: str
    symbol: str
    side: str
    kind: str
    price: str
    qty: str
    filled: str
    state: str
    age: str
    is_foreign: bool


class OrdersView(msgspec.Struct, frozen=True, tag="orders"):
    """Open and in-flight orders."""

    rows: list[OrderRow] = []


class RiskView(msgspec.Struct, frozen=True, kw_only=True, tag="risk"):
    """Limits, room and entry gates."""

    equity: str = ""
    available: str = ""
    day_r: str = ""
    day_limit_r: str = ""
    day_money: str = ""
    exposure_percent: float = 0.0
    exposure_limit_percent: float = 0.0
    exposure: str = ""
    streak: int = 0
    trades_today: int = 0
    wins_today: int = 0
    losses_today: int = 0
    profit_factor: str = ""
    expectancy_r: str = ""
    gates: list[GateView] = []
    """Entry gates that hold for every symbol."""


class GatesView(msgspec.Struct, frozen=True, tag="gates"):
    """Entry gates of one symbol; those that hold for every symbol stand in the risk section."""

    symbol: str
    gates: list[GateView] = []


class TaskLight(msgspec.Struct, frozen=True, gc=False):
    """One supervised task."""

    name: str
    state: str
    """running | starting | restarting | dead"""
    detail: str = ""
    restarts: int = 0
    age_ms: int = 0
    """Since it last showed life."""


class HealthView(msgspec.Struct, frozen=True, kw_only=True, tag="health"):
    """Tasks, links and counters."""

    tasks: list[TaskLight] = []
    md_p50_ms: int | None = None
    md_p95_ms: int | None = None
    order_ms: int | None = None
    is_over_socket: bool = False
    """Orders go over the trade socket, not by REST."""
    drift_ms: int | None = None
    reconnects: int = 0
    gaps: int = 0
    rejected_frames: int = 0
    frames_per_s: int = 0
    loop_lag_ms: int | None = None
    queue: int = 0
    signals_per_hour: int = 0
    viewers: int = 0
    engine_version: str = ""
    uptime_s: int = 0


class FlattenRow(msgspec.Struct, frozen=True, gc=False):
    """One symbol of a flatten, with its acknowledgement."""

    symbol: str
    state: str
    """closing | acked | dust | flat | failed"""
    detail: str
    ms: int | None


class FlattenView(msgspec.Struct, frozen=True, kw_only=True, tag="flatten"):
    """State of the emergency flatten."""

    state: str = "off"
    """off | armed | running | dust | flat"""
    rows: list[FlattenRow] = []
    detail: str = ""

    @property
    def is_running(self) -> bool:
        """True while the engine keeps closing, also what it cannot close."""
        return self.state in {"running", "dust"}


class LogLine(msgspec.Struct, frozen=True, gc=False):
    """One line of the engine's story."""

    number: int
    time: str
    severity: str
    """info | warning | error | critical | money"""
    symbol: str
    text: str


class LogView(msgspec.Struct, frozen=True, tag="log"):
    """Newest first, at most 200."""

    lines: list[LogLine] = []


View = (
    HeaderView
    | BookView
    | FlowView
    | WatchlistView
    | WallsView
    | SignalsView
    | PositionsView
    | OrdersView
    | RiskView
    | GatesView
    | HealthView
    | FlattenView
    | LogView
)


def section_of(view: View) -> str:
    """Name of the section that ``view`` replaces: its tag, with the symbol for book, flow and gates."""
    tag = str(view.__struct_config__.tag)
    return f"{tag}:{view.symbol}" if isinstance(view, BookView | FlowView | GatesView) else tag
