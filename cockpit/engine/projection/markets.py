"""Views of the market: book, flow, watch list, walls."""

from __future__ import annotations

from collections import deque
from functools import lru_cache

from cockpit.detectors.wall import Wall
from cockpit.domain.enums import BookSide, Side
from cockpit.domain.instrument import Instrument
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.core import TradingCore
from cockpit.engine.projection import words
from cockpit.engine.state import SymbolState
from cockpit.engine.story import clock_text
from cockpit.execution.open_position import OpenPosition
from cockpit.market import measures
from cockpit.market.tape import FIVE_MINUTES_NS, ONE_MINUTE_NS, TEN_SECONDS_NS
from cockpit.views import numbers, texts
from cockpit.views.model import (
    BookView,
    FlowView,
    OwnMark,
    TapeRow,
    WallMark,
    WallRow,
    WallsView,
    WatchlistView,
    WatchRow,
)

SERIES = 120
TAPE_ROWS = 50
TAPE_MERGE_NS = 100 * NS_PER_MS
FULL_BAR_HOLD_NS = 60 * NS_PER_S
TRADED_EVERY_NS = 300 * NS_PER_MS
FULL_BAR_GROWTH = 4.0


class SymbolSeries:
    """What a screen wants to see over time of one symbol: sampled once a second, so it never decides anything."""

    def __init__(self) -> None:
        self.tpm: deque[float] = deque(maxlen=SERIES)
        self.delta: deque[float] = deque(maxlen=SERIES)
        self.activity: deque[float] = deque(maxlen=SERIES)
        self.price: deque[float] = deque(maxlen=SERIES)
        self.full_bar = 0.0
        self._full_bar_ns = 0
        self._traded: list[tuple[int, float, float]] = []
        self._traded_ns = 0
        self._tape_rows: list[TapeRow] = []
        self._tape_total = -1

    def sample(self, symbol: SymbolState, now_ns: int) -> None:
        """Take one point."""
        activity = symbol.bank.activity
        self.tpm.append(activity.tpm_10)
        self.delta.append(activity.vol_delta_10)
        self.activity.append(activity.index)
        if symbol.market.mid is not None:
            self.price.append(symbol.market.mid)
        self._hold_full_bar(symbol, now_ns)

    def traded(self, symbol: SymbolState, instrument: Instrument, now_ns: int) -> list[tuple[int, float, float]]:
        """(ticks, bought, sold) of the last 60 s; a minute's sum need not be made anew at every frame."""
        if now_ns - self._traded_ns >= TRADED_EVERY_NS:
            self._traded_ns = now_ns
            self._traded = _traded(symbol, instrument)
        return self._traded

    def tape_rows(self, symbol: SymbolState) -> list[TapeRow]:
        """The newest rows of the tape, made anew only when there was a trade."""
        total = symbol.market.tape.total
        if total != self._tape_total and symbol.instrument is not None:
            self._tape_total = total
            self._tape_rows = _tape_rows(symbol, symbol.instrument)
        return self._tape_rows

    def _hold_full_bar(self, symbol: SymbolState, now_ns: int) -> None:
        """A full bar is the 95th percentile of the visible sizes, held for a minute so that bars do not flicker."""
        book = symbol.market.book
        sizes = sorted(book.bids()[1] + book.asks()[1])
        if not sizes:
            return
        p95 = sizes[int(len(sizes) * 0.95)]
        is_stale = now_ns - self._full_bar_ns >= FULL_BAR_HOLD_NS
        if self.full_bar == 0.0 or is_stale or p95 > FULL_BAR_GROWTH * self.full_bar:
            self.full_bar, self._full_bar_ns = p95, now_ns


def book_view(core: TradingCore, symbol: SymbolState, series: SymbolSeries, now_ns: int) -> BookView | None:
    """The ladder's material, None before the instrument is known."""
    instrument = symbol.instrument
    if instrument is None:
        return None
    book, market = symbol.market.book, symbol.market
    ticks = instrument.nearest_ticks
    bid_prices, bid_sizes = book.bids()
    ask_prices, ask_sizes = book.asks()
    bid, ask = book.best_bid, book.best_ask
    state, reason = _book_state(core, symbol, now_ns)
    spread = ask[0] - bid[0] if bid and ask else None
    last = market.tape.last_price
    return BookView(
        symbol=symbol.symbol,
        tick_size=str(instrument.tick_size),
        price_decimals=instrument.price_decimals,
        qty_decimals=instrument.qty_decimals,
        bids=list(zip(instrument.nearest_ticks_of(bid_prices), bid_sizes, strict=True)),
        asks=list(zip(instrument.nearest_ticks_of(ask_prices), ask_sizes, strict=True)),
        traded=series.traded(symbol, instrument, now_ns),
        state=state,
        state_reason=reason,
        age_ms=0 if symbol.recv_ns is None else max(0, now_ns - symbol.recv_ns) // NS_PER_MS,
        spread="" if spread is None else f"{spread:.{instrument.price_decimals}f}",
        spread_bps="" if spread is None or not market.mid else f"{spread / market.mid * 10_000:.2f}",
        mid="" if market.mid is None else f"{market.mid:.{instrument.price_decimals + 1}f}",
        last_ticks=None if last is None else ticks(last),
        last_is_buy=market.tape.last_is_buy,
        full_bar=series.full_bar,
        walls=[_wall_mark(core, wall, instrument, market.last_event_ns) for wall in symbol.bank.walls],
        own=_own_marks(core, symbol.symbol, instrument),
    )


def _book_state(core: TradingCore, symbol: SymbolState, now_ns: int) -> tuple[str, str]:
    if symbol.recv_ns is None:
        return "NO DATA", ""
    if not symbol.market.book.is_valid:
        return "INVALID", symbol.market.book.invalid_reason
    age_s = (now_ns - symbol.recv_ns) / NS_PER_S
    if age_s > core.state.settings.risk.max_book_age_s:
        return "STALE", f"{age_s:.1f} s"
    return "VALID", ""


def _traded(symbol: SymbolState, instrument: Instrument) -> list[tuple[int, float, float]]:
    """(ticks, bought, sold) of the last 60 s."""
    bought: dict[float, float] = {}
    sold: dict[float, float] = {}
    for _stamp, price, signed in symbol.market.tape.recent(ONE_MINUTE_NS):
        if signed > 0:
            bought[price] = bought.get(price, 0.0) + signed
        else:
            sold[price] = sold.get(price, 0.0) - signed
    ticks = instrument.nearest_ticks
    return [(ticks(price), bought.get(price, 0.0), sold.get(price, 0.0)) for price in bought | sold]


def _wall_mark(core: TradingCore, wall: Wall, instrument: Instrument, now_ns: int) -> WallMark:
    strong = core.state.settings.detectors.density.abs_usd * 3
    return WallMark(
        ticks=instrument.nearest_ticks(wall.price),
        is_bid=wall.side is BookSide.BID,
        level=2 if wall.notional_usdt >= strong else 1,
        fate_percent=words.fate_percent(wall),
        code=wall.code,
        age_s=max(0, now_ns - wall.first_seen_ns) // NS_PER_S,
        size=numbers.size6(wall.current),
        usd=words.usd(wall.notional_usdt),
    )


def _own_marks(core: TradingCore, symbol: str, instrument: Instrument) -> list[OwnMark]:
    marks: list[OwnMark] = []
    position = core.state.positions.open.get(symbol)
    if position is not None:
        marks += _position_marks(core, position, instrument)
    for order in core.state.orders.open_orders():
        if (
            order.symbol == symbol
            and order.report is not None
            and order.report.price
            and not order.report.stop_order_type
        ):
            ticks = instrument.nearest_ticks(float(order.report.price))
            text = numbers.size6(float(order.report.qty - order.filled_qty))
            marks.append(OwnMark(ticks, "order", text, "acked", order.side is Side.BUY))
    return marks


def _position_marks(core: TradingCore, position: OpenPosition, instrument: Instrument) -> list[OwnMark]:
    is_long = position.side is Side.BUY
    marks = [OwnMark(instrument.nearest_ticks(float(position.entry_price)), "entry", "E", "acked", is_long)]
    if position.stop_confirmed is not None:
        marks.append(OwnMark(position.stop_confirmed, "stop", "SL", "acked", not is_long))
    elif position.stop_wanted is not None and (position.stop_in_flight or not position.is_naked):
        marks.append(OwnMark(position.stop_wanted, "stop", "SL", "sent", not is_long))
    if position.origin is not None and position.origin.take_profit is not None:
        marks.append(OwnMark(position.origin.take_profit, "take_profit", "TP", "acked", not is_long))
    if position.origin is not None and not position.at_breakeven:
        breakeven = position.breakeven(instrument, core.state.fee_rate)
        marks.append(OwnMark(breakeven, "breakeven", "BE", "acked", not is_long))
    return marks


def flow_view(symbol: SymbolState, series: SymbolSeries) -> FlowView:
    """Activity and tape."""
    market, activity = symbol.market, symbol.bank.activity
    tape = market.tape
    ratio = tape.window(ONE_MINUTE_NS).buy_sell_ratio
    return FlowView(
        symbol=symbol.symbol,
        tape=series.tape_rows(symbol),
        tpm_10s=f"{activity.tpm_10:.0f}",
        tpm_60s=f"{activity.tpm_60:.0f}",
        tps_10s=f"{activity.tps_10:.1f}",
        delta_10s=_signed(tape.window(TEN_SECONDS_NS).delta),
        delta_60s=_signed(tape.window(ONE_MINUTE_NS).delta),
        delta_300s=_signed(tape.window(FIVE_MINUTES_NS).delta),
        ratio_60s=texts.NO_VALUE if ratio is None else f"{ratio:.2f}",
        activity=f"{activity.index:+.1f}",
        activity_parts=f"tpm {activity.z_tpm:+.1f} tps {activity.z_tps:+.1f} dv {activity.z_delta:+.1f}",
        is_dropping=activity.is_dropping,
        is_warming=activity.is_warming,
        imbalance_5=_imbalance(symbol, 5),
        imbalance_10=_imbalance(symbol, 10),
        microprice_ticks=_microprice(symbol),
        trend=_trend(symbol),
        tpm_series=list(series.tpm),
        delta_series=list(series.delta),
        activity_series=list(series.activity),
    )


def _imbalance(symbol: SymbolState, levels: int) -> str:
    book = symbol.market.book
    value = measures.imbalance(book.bids()[1], book.asks()[1], levels)
    return "" if value is None else f"{value:+.2f}"


def _microprice(symbol: SymbolState) -> str:
    bid, ask = symbol.market.book.best_bid, symbol.market.book.best_ask
    if symbol.instrument is None or bid is None or ask is None or symbol.market.mid is None:
        return ""
    distance = measures.microprice(*bid, *ask) - symbol.market.mid
    return f"{distance / float(symbol.instrument.tick_size):+.1f}"


def _trend(symbol: SymbolState) -> str:
    change = None if symbol.market.ticker is None else symbol.market.ticker.change_24h
    if change is None:
        return texts.NO_DATA
    return texts.TREND_UP if change > 0 else texts.TREND_DOWN if change < 0 else texts.TREND_FLAT


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else '-'}{numbers.size6(abs(value))}"


def _tape_rows(symbol: SymbolState, instrument: Instrument) -> list[TapeRow]:
    """Newest first; trades of one side at one price within 100 ms are one row."""
    trades = symbol.market.tape.last(2 * TAPE_ROWS)
    if not trades:
        return []
    large = 5 * sum(abs(signed) for _stamp, _price, signed in trades) / len(trades)
    merged: list[tuple[int, float, float]] = []
    for stamp, price, signed in trades:
        if merged:
            first, level, total = merged[-1]
            if total * signed > 0 and price == level and stamp - first <= TAPE_MERGE_NS:
                merged[-1] = (first, level, total + signed)
                continue
        merged.append((stamp, price, signed))
    newest = reversed(merged[-TAPE_ROWS:])
    return [_tape_row(instrument, stamp, price, total, abs(total) >= large) for stamp, price, total in newest]


@lru_cache(maxsize=4096)
def _tape_row(instrument: Instrument, stamp: int, price: float, total: float, is_large: bool) -> TapeRow:
    """One row; the same trades are shown for many frames."""
    text = instrument.price_text(instrument.nearest_ticks(price))
    return TapeRow(clock_text(stamp)[3:], text, numbers.size6(abs(total)), total > 0, is_large)


def watchlist_view(core: TradingCore, series: dict[str, SymbolSeries], now_ns: int) -> WatchlistView:
    """All symbols."""
    return WatchlistView(
        [_watch_row(core, symbol, series[symbol.symbol], now_ns) for symbol in core.state.symbols.values()]
    )


def _watch_row(core: TradingCore, symbol: SymbolState, series: SymbolSeries, now_ns: int) -> WatchRow:
    ticker, instrument, mid = symbol.market.ticker, symbol.instrument, symbol.market.mid
    change = None if ticker is None or ticker.is_change_since_start else ticker.change_24h
    last = "" if mid is None or instrument is None else instrument.price_text(instrument.nearest_ticks(mid))
    return WatchRow(
        symbol=symbol.symbol,
        last=last,
        change=texts.NO_VALUE if change is None else f"{change * 100:+.2f} %",
        tpm=f"{symbol.bank.activity.tpm_60:.0f}",
        walls=len(symbol.bank.walls),
        signals=sum(queued.signal.symbol == symbol.symbol for queued in core.signals.queue.values()),
        has_position=symbol.symbol in core.state.positions.symbols(),
        state=_book_state(core, symbol, now_ns)[0],
        age_ms=0 if symbol.recv_ns is None else max(0, now_ns - symbol.recv_ns) // NS_PER_MS,
        spark=tuple(series.price),
    )


def walls_view(core: TradingCore) -> WallsView:
    """Walls of all symbols by distance."""
    rows = [
        _wall_row(symbol, wall, symbol.instrument, symbol.market.mid)
        for symbol in core.state.symbols.values()
        if symbol.instrument is not None and symbol.market.mid is not None
        for wall in symbol.bank.walls
    ]
    return WallsView(sorted(rows, key=lambda row: (row.distance_percent, row.wall_id))[:100])


def _wall_row(symbol: SymbolState, wall: Wall, instrument: Instrument, mid: float) -> WallRow:
    ticks = instrument.nearest_ticks(wall.price)
    return WallRow(
        wall_id=wall.wall_id,
        symbol=symbol.symbol,
        is_bid=wall.side is BookSide.BID,
        price=instrument.price_text(ticks),
        ticks=ticks,
        distance_percent=abs(wall.price - mid) / mid * 100,
        multiple=f"{wall.relative_strength:.1f}",
        usd=words.usd(wall.notional_usdt),
        fate_percent=words.fate_percent(wall),
        code=wall.code,
        age=numbers.age((symbol.market.last_event_ns - wall.first_seen_ns) / NS_PER_S),
        touches=wall.touches,
        is_cluster=wall.is_cluster,
        is_round=_is_round(ticks),
    )


def _is_round(ticks: int) -> bool:
    """A price that ends in two zeros of ticks, or in 50: where people put their orders."""
    return ticks % 50 == 0
