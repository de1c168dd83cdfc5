"""The quiet panes: walls, orders, risk, flow, tape, links, tasks, log, symbols, wall map.

Rows that stay the same for many frames are made once (``lru_cache``): a frame is drawn ten times a second, most of
what it shows changes twice.
"""

from __future__ import annotations

from functools import lru_cache
from textwrap import wrap

from cockpit.ui.format import Glyphs, fate, short_symbol, spark
from cockpit.ui.lines import BLANK, Cell, Line, cut, fill, fit, spread, width_of
from cockpit.ui.widgets.look import Look, gate_cells, gate_order, header_of, price, signed_style, title
from cockpit.views import texts
from cockpit.views.model import FlowView, LogLine, OrderRow, TapeRow, WallRow, WatchRow

STORY_ROWS = 3
"""Rows that one line of the log may take."""
SEVERITY_STYLE = {"info": "text", "warning": "warn", "error": "bad", "critical": "armed", "money": "strong"}


def walls(look: Look, width: int, height: int) -> list[Line]:
    """Walls of all symbols by distance from the touch."""
    rows = look.store.walls.rows
    legend = [("view.walls", texts.KEY_ALL)] if len(rows) > height - 1 and look.plan.pages else []
    head = title(look, f"{texts.WALLS} {len(rows)}" if rows else texts.WALLS, width, *legend)
    body = [_wall(row, width) for row in rows[:height]] or [((f" {texts.WALLS_NONE}", "faint"),)]
    return fill([head, *body], height)


@lru_cache(maxsize=128)
def _wall(row: WallRow, width: int) -> Line:
    side, style = ("B", "bid") if row.is_bid else ("A", "ask")
    mark = "o" if row.is_round else " "
    left = (
        (f" {fit(short_symbol(row.symbol), 5)}", "dim"),
        (f"{side} ", style),
        (fit(price(row.price), 9, ">"), "text"),
    )
    end = fate(row.fate_percent, row.code)
    tail: list[Cell] = [(fit(row.usd, 7, ">"), "text"), (fit(end, 6, ">"), "warn" if row.code else "dim")]
    if width >= 38:
        tail.append((fit(row.age, 6, ">"), "dim"))
    if width >= 52:
        tail[:0] = [(fit(f"{row.distance_percent:.2f}%", 7, ">"), "dim"), (fit(f" {row.multiple}x", 9, ">"), "text")]
    return spread(left, (*tail, (mark, "dim")), width)


def orders(look: Look, width: int, height: int) -> list[Line]:
    """Open and in-flight orders."""
    rows = look.store.orders.rows
    head = title(
        look,
        f"{texts.ORDERS} {len(rows)}" if rows else texts.ORDERS,
        width,
        ("orders.cancel_symbol", texts.KEY_CANCEL),
        acts=bool(rows),
    )
    body = [_order(row, width) for row in rows] or [((f" {texts.ORDERS_NONE}", "faint"),)]
    return fill([head, *body], height)


def _order(row: OrderRow, width: int) -> Line:
    is_buy = row.side.upper().startswith("B")
    left = (
        (f" {fit(short_symbol(row.symbol), 5)}", "dim"),
        ("B " if is_buy else "S ", "buy" if is_buy else "sell"),
        (f"{price(row.price)} {row.qty}", "text"),
        (f" {row.kind}" if width >= 40 else "", "dim"),
    )
    state = texts.FOREIGN if row.is_foreign else row.state
    return spread(left, ((f" {state} {row.age}", "warn" if row.is_foreign else "dim"),), width)


def risk(look: Look, width: int, height: int) -> list[Line]:
    """The day, the room that is left, and the gates of entries."""
    view = look.store.risk
    gates = gate_order(view.gates)
    failing = [gate for gate in gates if gate.state == "fail"]
    day = texts.RISK_DAY.format(day=view.day_r, limit=view.day_limit_r)
    head = spread(((texts.RISK, "title"), (f" {day}", signed_style(view.day_r))), ((view.day_money, "dim"),), width)
    exposure = texts.RISK_EXPOSURE.format(percent=view.exposure_percent, limit=view.exposure_limit_percent)
    streak = texts.RISK_STREAK.format(streak=view.streak)
    today = texts.RISK_TODAY.format(trades=view.trades_today, wins=view.wins_today, losses=view.losses_today)
    quality = texts.RISK_QUALITY.format(factor=view.profit_factor, expectancy=view.expectancy_r)
    equity = texts.RISK_EQUITY.format(equity=view.equity, available=view.available)
    rows: list[Line] = [spread(((f" {exposure}", "text"),), ((streak, "dim"),), width)]
    rows += [((" ", "text"), *gate_cells(look, gate, width - 1)) for gate in failing]
    rows.append(((cut(f" {today}", width), "dim"),))
    rows.append(((cut(f" {equity}", width), "dim"),))
    if view.profit_factor:
        rows.append(((cut(f" {quality}", width), "dim"),))
    return fill([head, *rows], height)


def flow(look: Look, width: int, height: int) -> list[Line]:
    """Activity of the shown symbol with sparklines; a tall pane has all numbers, a short one the main ones."""
    view = look.store.flow(look.state.symbol)
    if view is None:
        return fill([title(look, texts.FLOW, width)], height)
    if height < 6:
        return fill(_flow_short(look, view, width), height)
    return fill(_flow_tall(look, view, width, height), height)


def _flow_state(view: FlowView) -> Cell:
    if view.is_warming:
        return texts.WARMING, "dim"
    return (texts.DROPPING, "warn") if view.is_dropping else (view.trend, "dim")


def _flow_short(look: Look, view: FlowView, width: int) -> list[Line]:
    half = (width - 2) // 2
    numbers = texts.TPM_TITLE.format(tpm=view.tpm_60s, activity=view.activity)
    head = spread(((texts.FLOW, "title"), (f" {numbers}", "text")), (_flow_state(view),), width)
    sparks = (
        (" ", "text"),
        (spark(view.tpm_series, half, look.glyphs), "spark"),
        (" ", "text"),
        (spark(view.delta_series, width - half - 2, look.glyphs), "spark2"),
    )
    imbalance = f"imb {view.imbalance_5} mp {view.microprice_ticks}t"
    last = spread((("  d60 ", "faint"), (view.delta_60s, signed_style(view.delta_60s))), ((imbalance, "dim"),), width)
    return [head, sparks, last]


def _flow_tall(look: Look, view: FlowView, width: int, height: int) -> list[Line]:
    inner = width - 1

    def graph(name: str, value: str, series: list[float], style: str) -> list[Line]:
        head = spread(((f" {name}", "dim"),), ((f" {value}", "text"),), width)
        return [head, ((" ", "text"), (spark(series, inner, look.glyphs), style))]

    head = spread(((texts.FLOW, "title"), (f" {short_symbol(view.symbol)}", "dim")), (_flow_state(view),), width)
    rows: list[Line] = [head]
    rows += graph(texts.FLOW_TPM, f"{view.tpm_10s}/{view.tpm_60s}", view.tpm_series, "spark")
    rows += graph(texts.FLOW_DELTA, view.delta_60s, view.delta_series, "spark2")
    rows += graph(texts.FLOW_ACTIVITY, view.activity, view.activity_series, "spark")
    rows += [
        spread(((f" {name} ", "faint"),), ((value, "text"),), width)
        for name, value in (
            (texts.FLOW_IMBALANCE, f"{view.imbalance_5} {view.imbalance_10}"),
            (texts.FLOW_MICRO, f"{view.microprice_ticks}t"),
            (texts.FLOW_DELTA_10, view.delta_10s),
            (texts.FLOW_DELTA_300, view.delta_300s),
            (texts.FLOW_RATIO, view.ratio_60s),
            (texts.FLOW_TPS, view.tps_10s),
        )
    ]
    return rows[:height]


def tape(look: Look, width: int, height: int) -> list[Line]:
    """Trades of the shown symbol, newest first."""
    view = look.store.flow(look.state.symbol)
    head = title(look, texts.TAPE_HEAD, width)
    if view is None:
        return fill([head], height)
    return fill([head, *[_trade(row, width) for row in view.tape[: height - 1]]], height)


@lru_cache(maxsize=128)
def _trade(row: TapeRow, width: int) -> Line:
    side = "B" if row.is_buy else "S"
    style = "large" if row.is_large else ("buy" if row.is_buy else "sell")
    is_narrow = width < 28
    level = price(row.price).rpartition(" ")[2] if is_narrow else price(row.price)
    room = width - len(f"* {level} {row.size}B")
    time = next((text for text in (row.time, row.time[-5:], row.time[-3:]) if len(text) <= room), "")
    left = (("*" if row.is_large else " ", "large"), (time, "faint"), (f" {level}", "dim"))
    return spread(left, ((f" {row.size}", style), (side, "buy" if row.is_buy else "sell")), width)


def links(look: Look, width: int, height: int) -> list[Line]:
    """Latencies and counters."""
    view = look.store.health

    def ms(value: int | None) -> str:
        return texts.NO_VALUE if value is None else str(value)

    orders = f"{texts.ORD} {texts.STREAMS}" if view.is_over_socket else texts.ORD
    first = f" md {ms(view.md_p50_ms)} p95 {ms(view.md_p95_ms)} {orders} {ms(view.order_ms)} drift {ms(view.drift_ms)}"
    second = f" reconn {view.reconnects} gaps {view.gaps} bad {view.rejected_frames} {view.frames_per_s}/s"
    header = header_of(look)
    lag = f"{texts.STREAMS} {header.streams_up}/{header.streams_wanted} lag {ms(view.loop_lag_ms)} q {view.queue}"
    head = spread(((texts.LINKS, "title"),), ((lag, "dim"),), width)
    return fill([head, ((cut(first, width), "dim"),), ((cut(second, width), "dim"),)], height)


def tasks(look: Look, width: int, height: int) -> list[Line]:
    """One light for each supervised task of the engine."""
    rows: list[Line] = [title(look, texts.TASKS, width)]
    for task in look.store.health.tasks:
        is_up = task.state == "running"
        sign = look.glyphs.ok if is_up else look.glyphs.bad
        left = ((f" {sign} ", "ok" if is_up else "bad"), (task.name, "text"), (f" {task.detail}", "faint"))
        rows.append(spread(left, ((f" {task.state}", "dim" if is_up else "bad"),), width))
    return fill(rows, height)


def log(look: Look, width: int, height: int) -> list[Line]:
    """The engine's story, newest first; a line that is too long goes on below itself."""
    rows: list[Line] = [title(look, texts.LOG, width)]
    for line in look.store.log.lines[:height]:
        rows += _story(line, width)
    return fill(rows, height)


@lru_cache(maxsize=256)
def _story(line: LogLine, width: int) -> list[Line]:
    time = f" {line.time[-8:]} "
    style = SEVERITY_STYLE.get(line.severity, "text")
    room = max(8, width - len(time))
    first, *rest = wrap(_told(line), room) or [""]
    rest = [*rest[: STORY_ROWS - 2], " ".join(rest[STORY_ROWS - 2 :])] if len(rest) >= STORY_ROWS else rest
    below: list[Line] = [((" " * len(time), "faint"), (cut(words, room), style)) for words in rest]
    return [((time, "faint"), (first, style)), *below]


def _told(line: LogLine) -> str:
    """A line's words behind its symbol; some name it themselves."""
    name = short_symbol(line.symbol)
    named = {word.strip(".,:;()") for word in line.text.split()} & {name, line.symbol}
    return line.text if named or not name else f"{name} {line.text}"


def log_line(look: Look, width: int, _height: int) -> list[Line]:
    """The newest lines of the story side by side, as many as fit."""
    row: list[Cell] = []
    room = width
    for line in look.store.log.lines:
        text = f" {line.time[-8:]} {_told(line)}  "
        if row and len(text) > room:
            break
        row.append((cut(text, room), "dim" if line.severity == "info" else SEVERITY_STYLE.get(line.severity, "dim")))
        room -= len(text)
    return [tuple(row) or BLANK]


def watch(look: Look, width: int, height: int) -> list[Line]:
    """All symbols, one row each."""
    rows = look.store.watchlist.rows
    head = title(look, f"{texts.WATCH} {len(rows)}", width)
    chosen, glyphs = look.state.symbol, look.glyphs
    return fill([head, *[_watched(row, row.symbol == chosen, glyphs, width) for row in rows[:height]]], height)


@lru_cache(maxsize=128)
def _watched(row: WatchRow, is_chosen: bool, glyphs: Glyphs, width: int) -> Line:
    style = "strong" if is_chosen else "text"
    is_up = row.state == "VALID"
    left = (
        (glyphs.cursor if is_chosen else " ", "key"),
        (fit(short_symbol(row.symbol), 7), style),
        (fit(price(row.last), 11, ">"), style if is_up else "stale"),
        (fit(row.change, 8, ">"), signed_style(row.change)),
        (fit(row.tpm, 6, ">"), "dim"),
        (" ", "text"),
        (spark(row.spark, max(0, width - 51), glyphs), "spark"),
    )
    marks = f" {row.walls}w" + (f" {row.signals}s" if row.signals else "   ") + (" P" if row.has_position else "  ")
    state = "" if is_up else row.state
    return spread(left, ((fit(marks, 9), "dim"), (fit(state, 8), "bad")), width)


def wall_map(look: Look, width: int, height: int) -> list[Line]:
    """Walls by distance from the touch: asks above the middle, bids below, one cell a wall."""
    rows = look.store.walls.rows
    half = (height - 2) // 2
    asks = sorted((row for row in rows if not row.is_bid), key=lambda row: row.distance_percent)
    bids = sorted((row for row in rows if row.is_bid), key=lambda row: row.distance_percent)
    above = _map_rows(list(reversed(asks[: half * 4])), width, half, asks=True)
    below = _map_rows(bids[: half * 4], width, height - 2 - half, asks=False)
    rule: Line = ((f" {look.glyphs.rule * (width - 2)}", "centre"),)
    return fill([title(look, texts.WALL_MAP, width), *above, rule, *below], height)


def _map_rows(rows: list[WallRow], width: int, height: int, *, asks: bool) -> list[Line]:
    """Walls in steps of distance; the row next to the middle is the nearest step."""
    steps = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0][:height]
    lines: list[Line] = []
    low = 0.0
    for index, high in enumerate(steps):
        is_last = index == len(steps) - 1
        held = [
            row for row in rows if low <= abs(row.distance_percent) and (abs(row.distance_percent) < high or is_last)
        ]
        sign = "+" if asks else "-"
        step = f"{sign}{low:.2f}%" if low else f"<{sign}{high:.2f}%"
        cells: list[Cell] = [(f" {fit(step, 7, '>')} ", "faint")]
        cells += _map_cells(sorted(held, key=lambda wall: wall.symbol), width - width_of(tuple(cells)), asks=asks)
        lines.append(tuple(cells))
        low = high
    padding: list[Line] = [BLANK] * (height - len(lines))
    return [*padding, *reversed(lines)] if asks else [*lines, *padding]


def _map_cells(rows: list[WallRow], room: int, *, asks: bool) -> list[Cell]:
    """As many walls as fit whole, and how many did not."""
    cells: list[Cell] = []
    for place, row in enumerate(rows):
        end = fate(row.fate_percent, row.code) + ("o" if row.is_round else "")
        words = f"{short_symbol(row.symbol)} {row.usd} {end}  "
        left = len(rows) - place - 1
        if len(words) + (len(f"+{left}") if left else -2) > room:
            return [*cells, (f"+{left + 1}", "faint")]
        cells.append((words, "ask" if asks else "bid"))
        room -= len(words)
    return cells
