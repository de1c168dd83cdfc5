"""The queue: a list of cards and, of the selected one, every gate with its value and the ticket in words."""

from __future__ import annotations

from textwrap import wrap

from cockpit.ui.format import short_symbol
from cockpit.ui.lines import Line, cut, fill, fit, spread, width_of
from cockpit.ui.store import SIGNAL, is_flatten_shown, selected_signal
from cockpit.ui.widgets import flatten
from cockpit.ui.widgets.look import Look, gate_cells, gate_order, price, title
from cockpit.views import texts
from cockpit.views.model import SignalRow, TicketView

LIST_ROWS = 3
WIDE_LIST_ROWS = 6
NOTE_ROWS, TICKET_ROWS = 2, 3
SHORT_TICKET_ROWS = 2
"""Rows of the ticket that stand in any case: what would be sent comes before other cards."""


def draw(look: Look, width: int, height: int) -> list[Line]:
    """Rows of the pane; a running flatten takes its place."""
    if is_flatten_shown(look.state, look.store, look.now):
        return flatten.draw(look, width, height)
    rows = look.store.signals.rows
    count = f"{texts.SIGNALS} {len(rows)}" if rows else texts.SIGNALS
    head = title(
        look, count, width, ("signal.approve", texts.KEY_APPROVE), ("signal.reject", texts.KEY_REJECT),
        ("signal.snooze", texts.KEY_SNOOZE), acts=bool(rows),
    )  # fmt: skip
    room = WIDE_LIST_ROWS if height >= 18 else LIST_ROWS
    room = max(1, min(room, height - 2 - SHORT_TICKET_ROWS))
    listed = fill([_card(look, row, width) for row in _window(look, rows, room)], room)
    if not rows:
        listed[0] = ((f" {texts.SIGNALS_NONE}", "faint"),)
    selected = selected_signal(look.state, look.store)
    rest = height - 1 - room
    detail = _ended(look, width) if selected is None else _detail(look, selected, width, rest)
    return fill([head, *listed, *detail], height)


def _window(look: Look, rows: list[SignalRow], room: int) -> list[SignalRow]:
    """The part of the queue that holds the selected card."""
    index = next((place for place, row in enumerate(rows) if row.signal_id == look.state.signal_id), 0)
    start = max(0, min(index - room + 1, len(rows) - room))
    return rows[start : start + room]


def _card(look: Look, row: SignalRow, width: int) -> Line:
    is_selected = row.signal_id == look.state.signal_id
    has_cursor = is_selected and look.state.cursor == SIGNAL
    left_ms = max(0, row.remaining_ms - round(look.store.age_of("signals", look.now) * 1000))
    style = "strong" if has_cursor else ("text" if is_selected else "dim")
    side = "buy" if row.direction == "L" else "sell"
    is_sent = row.signal_id in look.state.sent or row.state == "sending"
    left = (
        (look.glyphs.cursor if is_selected else " ", "key"),
        (f"{fit(row.code, 3)} ", style),
        (row.direction, side),
        (f" {short_symbol(row.symbol)} {price(row.price)}", style),
        (f" {row.priority}", "faint"),
    )
    if is_sent:
        return spread(left, ((f" {texts.SENDING}", "warn"),), width)
    urgent = "bad" if left_ms < 5_000 else ("warn" if left_ms < 10_000 else style)
    return spread(left, ((f" {_countdown(left_ms):>4}", urgent),), width)


def _countdown(ms: int) -> str:
    return f"{-(-ms // 1000)}s"


def _detail(look: Look, row: SignalRow, width: int, height: int) -> list[Line]:
    """Headline, ticket, and as many gates as fit, failing ones first."""
    ticket = _ticket(row.ticket, width)
    room = height - 1 - len(ticket)
    gates = gate_order(row.gates)
    passed = sum(gate.state == "ok" for gate in row.gates)
    has_failed = any(gate.state == "fail" for gate in row.gates)
    sign = look.glyphs.bad if has_failed else look.glyphs.ok
    count = texts.GATES.format(sign=sign, passed=passed, total=len(row.gates))
    head = spread(((f" {row.headline}", "strong"),), ((f" {count}", "bad" if has_failed else "dim"),), width)
    shown: list[Line] = [((" ", "text"), *gate_cells(look, gate, width - 1)) for gate in gates]
    shown[:0] = _wrapped(row.note, width, NOTE_ROWS)
    return [head, *fill(shown, max(0, room)), *ticket]


def _ticket(ticket: TicketView, width: int) -> list[Line]:
    """The order that one key would send."""
    if ticket.refusal:
        words = texts.TICKET_REFUSED.format(reason=ticket.refusal)
        return fill(_wrapped(words, width, TICKET_ROWS), TICKET_ROWS)
    side = "buy" if ticket.side.upper().startswith("B") else "sell"
    order = (
        (f" {ticket.side.upper()} ", side),
        (ticket.qty, "strong"),
        (f" @{price(ticket.entry)}", "strong"),
    )
    stop = ((f" {texts.TICKET_STOP.format(stop=price(ticket.stop))}", "warn"),)
    risk = texts.TICKET_RISK.format(money=ticket.risk_money, percent=ticket.risk_percent, reward=ticket.reward_r)
    target = texts.TICKET_TARGET.format(target=price(ticket.take_profit) or texts.NO_VALUE)
    cost = texts.TICKET_COST.format(fees=ticket.fees, slippage=ticket.slippage)
    tail = (
        texts.TICKET_CUT.format(reason=ticket.cut)
        if ticket.cut
        else f"{texts.TICKET_NOTIONAL.format(notional=ticket.notional)}"
    )
    goal, one_r = ((f" {target}", "text"),), ((risk, "text"),)
    if width_of(order) + width_of(stop) <= width:
        costs = ((f" {cost}", "dim"),)
        end = ((f" {tail}", "warn" if ticket.cut else "dim"),)
        rows: list[tuple[Line, Line]] = [(order, stop), (goal, one_r), (costs, end)]
    else:
        rows = [(order, ()), (stop, goal), (((" ", "text"), *one_r), ())]
    return [spread(left, right, width) for left, right in rows]


def _wrapped(words: str, width: int, rows: int) -> list[Line]:
    """A reason in as many rows as it takes, at most ``rows``."""
    lines = wrap(words, width - 1)
    if len(lines) > rows:
        lines = [*lines[: rows - 1], " ".join(lines[rows - 1 :])]
    return [((cut(f" {line}", width), "bad"),) for line in lines]


def _ended(look: Look, width: int) -> list[Line]:
    """What became of the last signals, while no card is there."""
    ended = look.store.signals.ended
    if not ended:
        return []
    return [((f" {texts.SIGNALS_ENDED}", "faint"),), *[((cut(f" {text}", width), "dim"),) for text in ended]]
