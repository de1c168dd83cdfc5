"""Open positions: entry, profit in R, ticks and money, and the stop as the exchange acknowledged it."""

from __future__ import annotations

from cockpit.ui.format import short_symbol
from cockpit.ui.lines import Cell, Line, fill, spread, width_of
from cockpit.ui.store import POSITION, marked_position
from cockpit.ui.widgets.look import Look, exit_cells, price, signed_style, title
from cockpit.views import texts
from cockpit.views.model import PositionRow

UNITS = ("R", "ticks", "%", "money")


def draw(look: Look, width: int, height: int) -> list[Line]:
    """Rows of the pane: the marked position in full, the others in one row each."""
    rows = look.store.positions.rows
    name = texts.POSITIONS_MANY.format(count=len(rows)) if len(rows) > 1 else texts.POSITIONS
    head = title(
        look, name, width, ("position.close", texts.KEY_CLOSE), ("position.half", texts.KEY_HALF),
        ("stop.breakeven", texts.KEY_BREAKEVEN), acts=bool(rows),
    )  # fmt: skip
    marked = marked_position(look.state, look.store)
    if marked is None:
        return fill([head, *_flat(look, width)], height)
    others = [_short(look, row, width) for row in rows if row.symbol != marked.symbol]
    room = height - 5
    shown = others[:room] if room > 0 else []
    gates = [((" ", "text"), *exit_cells(look, rule, width - 1)) for rule in marked.exits]
    return fill([head, *_full(look, marked, width), *gates[: max(0, room - len(shown))], *shown], height)


def _flat(look: Look, width: int) -> list[Line]:
    """Nothing is open: how the last trades ended."""
    closed = look.store.positions.closed
    rows: list[Line] = [((f" {texts.POSITIONS_NONE}", "faint"),)]
    if closed:
        rows.append(((f" {texts.POSITIONS_CLOSED}", "faint"),))
    for row in closed:
        side, style = (texts.LETTER_LONG, "buy") if row.is_long else (texts.LETTER_SHORT, "sell")
        left = ((f" {short_symbol(row.symbol)} ", "dim"), (side, style), (f" {row.reason}", "dim"))
        words = f" {row.money} {row.r}"
        if width_of(left) + len(words) > width and row.r:
            words = f" {row.r}"
        rows.append(spread(left, ((words, signed_style(row.money)),), width))
    return rows


def pnl(row: PositionRow, unit: int) -> str:
    """Profit in the chosen unit."""
    return (row.pnl_r, row.pnl_ticks, row.pnl_percent, row.pnl_money)[unit]


def _full(look: Look, row: PositionRow, width: int) -> list[Line]:
    has_cursor = look.state.cursor == POSITION
    side, side_style = (texts.LONG, "buy") if row.is_long else (texts.SHORT, "sell")
    head = "strong" if has_cursor else "text"
    flag = _flag(row)
    left = (
        (look.glyphs.cursor, "key"),
        (f"{short_symbol(row.symbol)} ", head),
        (side, side_style),
        (f" {row.qty}", head),
        (f" {flag}" if flag else "", "warn"),
    )
    words = f" {texts.NET.format(profit=row.pnl_r)}" if row.pnl_r else ""
    if width_of(left) + len(words) > width:
        words = f" {row.pnl_r}"
    first = spread(left, ((words, signed_style(row.pnl_r)),), width)
    money = texts.PNL.format(ticks=row.pnl_ticks, money=row.pnl_money)
    entry = texts.ENTRY.format(price=price(row.entry))
    second = spread(((f" {entry}", "text"),), ((f" {money}", signed_style(row.pnl_money)),), width)
    third = spread(_stop(row), ((f" {row.age}", "dim"),), width)
    breakeven = texts.AT_BREAKEVEN if row.at_breakeven else texts.BREAKEVEN.format(price=price(row.breakeven))
    fourth = spread(
        ((f" {breakeven}", "ok" if row.at_breakeven else "dim"),),
        ((f" {texts.FEES.format(fees=row.fees)}", "dim"),),
        width,
    )
    return [first, second, third, fourth]


def _flag(row: PositionRow) -> str:
    """What is unusual about a position."""
    if row.state == "closing":
        return texts.CLOSING
    if row.state == "unknown":
        return texts.UNKNOWN
    return texts.FOREIGN if row.is_foreign else ""


def _stop(row: PositionRow) -> tuple[Cell, ...]:
    """The stop and whether the exchange has it, in words."""
    if row.stop_state == "missing" or not row.stop:
        words = texts.STOP_MISSING_FOREIGN if row.is_foreign else texts.STOP_MISSING
        return ((f" {texts.STOP.format(stop='')}", "bad"), (words, "armed"))
    words, style = {
        "ack": (texts.STOP_ACK_BARE if row.stop_ack_ms is None else texts.STOP_ACK.format(ms=row.stop_ack_ms), "ok"),
        "moving": (texts.STOP_MOVING, "warn"),
    }.get(row.stop_state, (texts.STOP_SENT, "warn"))
    return ((f" {texts.STOP.format(stop=price(row.stop))} ", "text"), (words, style))


def _short(look: Look, row: PositionRow, width: int) -> Line:
    side, style = ("L", "buy") if row.is_long else ("S", "sell")
    text = pnl(row, look.state.unit)
    left = ((f" {short_symbol(row.symbol)} ", "dim"), (side, style), (f" {row.qty} ", "dim"))
    stop = ("SL", "ok") if row.stop_state == "ack" else (f"SL {row.stop_state}", "armed")
    return spread(left, ((f"{text} ", signed_style(text)), stop), width)
