"""The rows of a ladder before they are drawn: what stands at each price of the axis, and what lies off screen. Pure."""

from __future__ import annotations

import msgspec

from cockpit.ui.axis import Axis, Recentre, bucket, centred, default_group, follow, grouped
from cockpit.ui.format import Glyphs, PriceScale, fate
from cockpit.ui.lines import Cell, Line, cut, fit, padded
from cockpit.ui.safe import cells
from cockpit.ui.store import SILENCE_S, BarScale, UiState
from cockpit.ui.widgets.look import Look, price
from cockpit.views import texts
from cockpit.views.model import BookView, OwnMark, WallMark
from cockpit.views.numbers import size5, size6

BAR_HELD_S = 60.0
FULL_BAR_SHARE = 0.95
"""Share of the rows whose bar is not full."""

EDGES = 3
"""Rows of a ladder that are not prices: column heads, and what lies above and below."""


class LadderRow(msgspec.Struct, frozen=True):
    """One price row."""

    number: int
    price: str
    bid: float = 0.0
    ask: float = 0.0
    cumulative: float = 0.0
    bought: float = 0.0
    sold: float = 0.0
    change: float = 0.0
    wall: WallMark | None = None
    own: tuple[OwnMark, ...] = ()
    touch: str = ""
    """A on the best ask, B on the best bid."""
    is_round: bool = False

    @property
    def size(self) -> float:
        """The one size of the row (the two sides never share one)."""
        return self.bid or self.ask


class Ladder(msgspec.Struct, frozen=True):
    """A book laid on an axis."""

    rows: tuple[LadderRow | None, ...]
    """From the top; None is the line between the two sides."""
    above: str
    below: str


def full_bar(look: Look) -> float:
    """The row size at which a bar of the shown ladder is full."""
    held = look.state.bars.get(look.symbol)
    return 0.0 if held is None else held.full


def is_blind(look: Look, book: BookView) -> bool:
    """True while the book must not be believed: by the engine's word, or because the engine has fallen silent."""
    return book.state != "VALID" or look.store.silence(look.now) > SILENCE_S


def follow_axis(state: UiState, book: BookView, rows: int, rule: Recentre, *, is_held: bool, now: float) -> UiState:
    """The state with the axis (and grouping) of the book's symbol ready for a ladder of ``rows`` prices."""
    if not book.bids or not book.asks or rows < 3:
        return state
    bid, ask = book.bids[0][0], book.asks[0][0]
    group = state.groups.get(book.symbol)
    if group is None:
        group = default_group(book.tick_size, bid)
        state = state.but(groups={**state.groups, book.symbol: group})
    old = state.axes.get(book.symbol)
    if old is None or old.rows != rows or old.group != group:
        axis = centred(bid, ask, rows, group)
    else:
        axis = follow(old, bid, ask, rule, is_held=is_held, now=now)
    return state if axis is old else state.but(axes={**state.axes, book.symbol: axis})


def hold_bar(state: UiState, book: BookView, now: float) -> UiState:
    """The state with the full bar of the symbol's rows: the engine's for single ticks, else a held percentile.

    Rows of several ticks hold more than a level does; the scale changes at most once a minute, or with the grouping.
    """
    group = state.groups.get(book.symbol, 1)
    held = state.bars.get(book.symbol)
    if held is not None and held.group == group and now - held.since < BAR_HELD_S and held.full > 0:
        return state
    full = book.full_bar
    if group > 1:
        rows = [*grouped(book.bids, group, is_bid=True).values(), *grouped(book.asks, group, is_bid=False).values()]
        full = sorted(rows)[int(len(rows) * FULL_BAR_SHARE)] if rows else 0.0
    return state.but(bars={**state.bars, book.symbol: BarScale(group, full, now)})


def lay(book: BookView, axis: Axis, glyphs: Glyphs) -> Ladder:
    """The book on its axis."""
    scale = PriceScale(book.tick_size, axis.group)
    group = axis.group
    bids, asks = grouped(book.bids, group, is_bid=True), grouped(book.asks, group, is_bid=False)
    sums = _cumulative(bids, reverse=True) | _cumulative(asks, reverse=False)
    bought, sold = _traded(book, group)
    changes = _changes(book, group)
    walls = {bucket(wall.ticks, group, is_bid=wall.is_bid): wall for wall in reversed(book.walls)}
    own: dict[int, tuple[OwnMark, ...]] = {}
    for mark in book.own:
        row = bucket(mark.ticks, group, is_bid=mark.is_buy)
        own[row] = (*own.get(row, ()), mark)
    best_bid = bucket(book.bids[0][0], group, is_bid=True) if book.bids else None
    best_ask = bucket(book.asks[0][0], group, is_bid=False) if book.asks else None

    def row_at(number: int) -> LadderRow:
        return LadderRow(
            number=number,
            price=scale.text(number * group),
            bid=bids.get(number, 0.0),
            ask=asks.get(number, 0.0),
            cumulative=sums.get(number, 0.0),
            bought=bought.get(number, 0.0),
            sold=sold.get(number, 0.0),
            change=changes.get(number, 0.0),
            wall=walls.get(number),
            own=own.get(number, ()),
            touch="A" if number == best_ask else "B" if number == best_bid else "",
            is_round=number % 10 == 0,
        )

    line = axis.centre if best_bid is None or best_ask is None else axis.line(best_bid, best_ask)
    rows = tuple(None if number is None else row_at(number) for number in axis.numbers(line))
    return Ladder(rows, _edge(book, axis, scale, glyphs, up=True), _edge(book, axis, scale, glyphs, up=False))


def centre_line(look: Look, book: BookView, axis: Axis, width: int) -> Line:
    """The row between the two sides of the book: spread and middle, or the curtain of a stale book."""
    if is_blind(look, book):
        return _curtain(look, book, width)
    text = texts.RULE.format(spread=price(book.spread), bps=book.spread_bps, mid=price(book.mid))
    if not axis.is_auto or look.state.armed is not None:
        text += f"  {texts.HELD}"
    style = "flash" if axis.flash_since is not None else "centre"
    rule = look.glyphs.rule
    gap = max(0, width - len(text) - 2)
    return padded(((f"{rule * (gap // 2)} {text} {rule * (gap - gap // 2)}", style),), width, style)


def waiting(look: Look, width: int) -> Line:
    """What a ladder says before its first book."""
    return padded(((fit(texts.WAITING_BOOK.format(symbol=look.symbol), width, "^"), "dim"),), width)


def own_text(marks: tuple[OwnMark, ...], glyphs: Glyphs) -> tuple[str, str]:
    """(text, style) of what is ours at a price. Orders have three looks: sent, acknowledged, cancel sent."""
    words = []
    style = "mark"
    for mark in marks:
        if mark.kind == "order":
            sign = {"sent": glyphs.sent, "cancelling": glyphs.cancelling}.get(mark.state, glyphs.acked)
            words.append(sign + mark.text)
            style = "own" if mark.state == "acked" else "own_sent"
        else:
            words.append(mark.text)
            style = "entry" if mark.kind == "entry" else style
    return " ".join(words), style


def eaten_style(row: LadderRow) -> str:
    """A wall that is being eaten, pulled or refilled stands out; a quiet one does not."""
    return "warn" if row.wall is not None and row.wall.code else "dim"


def own_cells(row: LadderRow, width: int, glyphs: Glyphs) -> Line:
    """What is ours at a price in ``width`` cells; the look ends with the words."""
    words, style = own_text(row.own, glyphs)
    shown = cut(words, width)
    return ((shown, style), (" " * (width - cells(shown)), "text"))


def price_cells(row: LadderRow, width: int, *, is_stale: bool) -> Line:
    """The price at the right edge of ``width`` cells; the look is the digits' alone."""
    shown = cut(row.price, width)
    return ((" " * (width - len(shown)), "text"), (shown, price_style(row, is_stale=is_stale)))


def touch_cell(row: LadderRow, *, is_stale: bool) -> Cell:
    """A beside the best ask, B beside the best bid."""
    return row.touch or " ", "stale" if is_stale else ("bid" if row.touch == "B" else "ask")


def size_cells(row: LadderRow, width: int, style: str) -> Line:
    """The row's size at the right edge of ``width`` cells; the look is the digits' alone."""
    shown = size6(row.size) if row.size else ""
    return ((" " * (width - len(shown)), "text"), (shown, style))


def side_style(row: LadderRow, *, is_stale: bool, suffix: str = "") -> str:
    """Style of a row's size by side and wall level."""
    if is_stale:
        return "stale"
    side = "bid" if row.bid else "ask"
    if suffix:
        return f"{side}{suffix}"
    if row.wall is None:
        return side
    return f"wall_{side}" if row.wall.level < 2 else f"wall2_{side}"


def wall_tag(row: LadderRow) -> str:
    """``w`` for a wall, ``W`` for three times one, blank otherwise."""
    return " " if row.wall is None else ("w" if row.wall.level < 2 else "W")


def eaten(row: LadderRow, width: int = 5) -> str:
    """What became of a wall, in at most ``width`` cells."""
    return "" if row.wall is None else fate(row.wall.fate_percent, row.wall.code, width)


def price_style(row: LadderRow, *, is_stale: bool) -> str:
    """Style of a price: the touch stands out, every tenth row is underlined."""
    if is_stale:
        return "stale"
    if row.touch:
        return "touch"
    return "round" if row.is_round else "price"


def _curtain(look: Look, book: BookView, width: int) -> Line:
    waited = book.age_ms / 1000 + look.store.age_of(f"book:{book.symbol}", look.now)
    words = {
        "VALID": texts.NO_NEWS.format(age=f"{look.store.silence(look.now):.0f} s"),
        "STALE": texts.STALE.format(age=f"{waited:.1f} s"),
        "NO DATA": texts.BOOK_NO_DATA,
    }.get(book.state, texts.BOOK_INVALID.format(reason=book.state_reason))
    return ((fit(f"  {words}  ", width, "^"), "curtain"),)


def _cumulative(rows: dict[int, float], *, reverse: bool) -> dict[int, float]:
    total = 0.0
    sums = {}
    for number in sorted(rows, reverse=reverse):
        total += rows[number]
        sums[number] = total
    return sums


def _traded(book: BookView, group: int) -> tuple[dict[int, float], dict[int, float]]:
    """Bought and sold by row. Buyers take the ask's row, sellers the bid's."""
    bought = grouped(((ticks, size) for ticks, size, _ in book.traded if size), group, is_bid=False)
    sold = grouped(((ticks, size) for ticks, _, size in book.traded if size), group, is_bid=True)
    return bought, sold


def _changes(book: BookView, group: int) -> dict[int, float]:
    best_ask = book.asks[0][0] if book.asks else 0
    rows: dict[int, float] = {}
    for ticks, change in book.changes:
        row = bucket(ticks, group, is_bid=ticks < best_ask)
        rows[row] = rows.get(row, 0.0) + change
    return rows


def _edge(book: BookView, axis: Axis, scale: PriceScale, glyphs: Glyphs, *, up: bool) -> str:
    """What lies beyond one end of the axis: ours first, then the nearest wall and how many there are."""

    def is_beyond(ticks: int, is_bid: bool) -> bool:
        row = bucket(ticks, axis.group, is_bid=is_bid)
        return row > axis.top if up else row < axis.bottom

    names = {"stop": texts.EDGE_STOP, "entry": texts.EDGE_ENTRY, "take_profit": texts.EDGE_TARGET}
    names["order"] = texts.EDGE_ORDER
    words = [
        names[mark.kind].format(price=scale.exact(mark.ticks))
        for mark in book.own
        if mark.kind in names and is_beyond(mark.ticks, mark.is_buy)
    ]
    walls = [wall for wall in book.walls if is_beyond(wall.ticks, wall.is_bid)]
    if walls:
        nearest = min(walls, key=lambda wall: wall.ticks if up else -wall.ticks)
        words.append(_wall_words(nearest, scale))
    if len(walls) > 1:
        words.append(texts.EDGE_WALLS.format(count=len(walls)))
    arrow = glyphs.up if up else glyphs.down
    return f" {arrow} " + f"  {arrow} ".join(words) if words else ""


def _wall_words(wall: WallMark, scale: PriceScale) -> str:
    side = "B" if wall.is_bid else "A"
    return texts.EDGE_WALL.format(
        side=side, price=scale.exact(wall.ticks), size=wall.size, usd=wall.usd, fate=fate(wall.fate_percent, wall.code)
    )


def traded_text(row: LadderRow) -> tuple[str, str]:
    """(text, style) of what was traded at a price within a minute: the larger side, with its letter."""
    if not row.bought and not row.sold:
        return "", "faint"
    if row.bought >= row.sold:
        return f"{size5(row.bought)}B", "buy"
    return f"{size5(row.sold)}S", "sell"
