"""Our books against the exchange's transaction log: which money is in one and not in the other. Pure arithmetic.

What decides is money, coin by coin; ids only say where a difference comes from. Fees and funding are compared execution
by execution. Profit is compared symbol by symbol once it is flat: executions may reach us in another order than they
happened, and only then is their sum the same. Rows that no execution makes (transfers, interest, foreign coins) are not
ours to explain: they are handed on as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

import msgspec

from cockpit.domain.events import LedgerRead
from cockpit.domain.ledger import SETTLE_COIN, LedgerRow
from cockpit.domain.positions import FillReport

EXACT = Decimal("1e-8")
"""The exchange books money in eight digits after the point."""
OVERLAP_MS = 60_000
"""A read begins this much before the end of the last one: rows may appear late."""
_GRACE_MS = 1_000
"""At the edges of a window an execution and its row may fall on different sides."""
_SHOWN = 3
_NS_PER_MS = 1_000_000


class OpenProfit(msgspec.Struct, frozen=True):
    """Profit of a symbol since it was flat: exchange minus books, to be judged when it is flat again."""

    gap: Decimal = Decimal(0)
    slack: Decimal = Decimal(0)
    """Rounding: the exchange computes with an entry price of eight digits."""
    is_void: bool = False
    """Part of it was held before we knew: the entry price is the exchange's, and so is the profit."""

    def plus(self, fill: FillReport, rows: list[LedgerRow]) -> OpenProfit:
        """With one more execution and what the exchange's log says of it."""
        told = sum((row.cash_flow for row in rows if row.currency == SETTLE_COIN), Decimal(0))
        slack = self.slack + EXACT * (1 + fill.qty)
        return OpenProfit(self.gap + told - (fill.gain or 0), slack, self.is_void or fill.gain is None)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Money on which the exchange and our books do not agree."""

    amounts: dict[str, Decimal]
    """Exchange minus books, by coin; nothing means that they agree."""
    unknown: list[LedgerRow] = []
    """Rows of executions that are not in our books."""
    missing: list[FillReport] = []
    """Executions of our books that the exchange's log does not show."""
    unequal: list[str] = []
    """Executions that both know, with other fees or funding."""
    profits: list[str] = []
    """Symbols that are flat, with another profit."""
    open: dict[str, OpenProfit] = {}
    """What is to be judged later, by symbol."""

    @property
    def text(self) -> str:
        """The difference in words, with its numbers and where it comes from."""
        amounts = ", ".join(f"{amount.normalize():+f} {coin}" for coin, amount in sorted(self.amounts.items()))
        parts = [
            _named("not in our books", [row.exec_id or row.row_id for row in self.unknown]),
            _named("not in the exchange's log", [fill.exec_id for fill in self.missing]),
            _named("with other fees or funding", self.unequal),
            _named("with another profit", self.profits),
        ]
        return f"exchange minus books {amounts}; " + "; ".join(part for part in parts if part)

    @property
    def names(self) -> set[str]:
        """What differs: ids of executions, and symbols whose profit does."""
        unknown = {row.exec_id or row.row_id for row in self.unknown}
        return unknown | {fill.exec_id for fill in self.missing} | {*self.unequal, *self.profits}

    @property
    def since_ms(self) -> int:
        """Exchange time of the oldest row that our books do not know, 0 if they know all."""
        return min((row.ts_ms for row in self.unknown), default=0)


class MoneyBook:
    """What we have booked lately, execution by execution, and the rows that were not ours.

    Args:
        since_ms: exchange time from which on our books claim to be complete.
        cursor_ms: exchange time up to which they have been found equal to the log.
        open_profits: what was to be judged later then.
    """

    def __init__(self, since_ms: int, cursor_ms: int = 0, open_profits: Mapping[str, OpenProfit] | None = None) -> None:
        self.since_ms = since_ms
        self.cursor_ms = max(since_ms, cursor_ms)
        self.open = dict(open_profits or {})
        self._fills: dict[str, FillReport] = {}
        self._flows: dict[str, int] = {}
        """Time of each row that was handed on, by its id."""

    def book(self, fill: FillReport) -> None:
        """An execution has been booked; ``fill.gain`` is the profit that our books gave it."""
        if fill.symbol.endswith(SETTLE_COIN):  # contracts settled in another coin are rows that are handed on
            self._fills[fill.exec_id] = fill

    def know_flows(self, row_ids: Iterable[str], now_ms: int) -> None:
        """Rows that an earlier run, which ended before ``now_ms``, has handed on."""
        self._flows.update(dict.fromkeys(row_ids, now_ms))

    def new_flows(self, read: LedgerRead) -> list[LedgerRow]:
        """Rows that no execution makes, each told once."""
        rows = [r for r in read.rows if not r.is_execution and r.ts_ms >= self.since_ms and r.row_id not in self._flows]
        self._flows.update((row.row_id, row.ts_ms) for row in rows)
        return rows

    def compare(self, read: LedgerRead, limit_ms: int, is_flat: Callable[[str], bool]) -> Difference:
        """Our books and a read of the log, up to ``limit_ms``: what is newer may still be on its way to either."""
        start = max(read.since_ms, self.since_ms)
        told: dict[str, list[LedgerRow]] = {}
        for row in read.rows:
            if row.is_execution and start <= row.ts_ms <= limit_ms:
                told.setdefault(row.exec_id or row.row_id, []).append(row)
        unknown = [row for exec_id, rows in told.items() if exec_id not in self._fills for row in rows]
        missing = self._missing(read, start, limit_ms)
        amounts = _sum([{row.currency: row.change} for row in unknown], [_booked(fill) for fill in missing])
        if not _above(amounts):
            unknown, missing = [], []
        known = [(self._fills[exec_id], rows) for exec_id, rows in told.items() if exec_id in self._fills]
        gaps = {fill.exec_id: _above(_costs(fill, rows)) for fill, rows in known}
        unequal = [exec_id for exec_id, gap in gaps.items() if gap]
        open_profits = self._profits([pair for pair in known if pair[1][0].ts_ms > self.cursor_ms])
        ended = {s: p for s, p in open_profits.items() if is_flat(s) and not unknown and self._last_ms(s) <= limit_ms}
        wrong = {s: p.gap for s, p in ended.items() if not p.is_void and abs(p.gap) > p.slack}
        return Difference(
            amounts=_above(_sum([amounts, *gaps.values(), *({SETTLE_COIN: gap} for gap in wrong.values())], [])),
            unknown=unknown,
            missing=missing,
            unequal=unequal,
            profits=list(wrong),
            open={symbol: profit for symbol, profit in open_profits.items() if symbol not in ended},
        )

    def settle(self, cursor_ms: int, open_profits: dict[str, OpenProfit]) -> None:
        """Up to here all is equal or accepted; what no later read can reach is forgotten."""
        self.cursor_ms = max(self.cursor_ms, cursor_ms)
        self.open = open_profits
        oldest = self.cursor_ms - OVERLAP_MS - 2 * _GRACE_MS
        self._fills = {name: fill for name, fill in self._fills.items() if fill.ts_event >= oldest * _NS_PER_MS}
        self._flows = {name: ts_ms for name, ts_ms in self._flows.items() if ts_ms >= oldest}

    def _missing(self, read: LedgerRead, start_ms: int, limit_ms: int) -> list[FillReport]:
        known = {row.exec_id for row in read.rows if row.is_execution}
        first, last = (start_ms + _GRACE_MS) * _NS_PER_MS, (limit_ms - _GRACE_MS) * _NS_PER_MS
        return [f for f in self._fills.values() if first <= f.ts_event <= last and f.exec_id not in known]

    def _profits(self, pairs: Iterable[tuple[FillReport, list[LedgerRow]]]) -> dict[str, OpenProfit]:
        found = dict(self.open)
        for fill, rows in pairs:
            found[fill.symbol] = found.get(fill.symbol, OpenProfit()).plus(fill, rows)
        return found

    def _last_ms(self, symbol: str) -> int:
        return max((f.ts_event for f in self._fills.values() if f.symbol == symbol), default=0) // _NS_PER_MS


def _booked(fill: FillReport) -> dict[str, Decimal]:
    """What an execution changed by our books, by coin: profit in the settlement coin, the fee in its own."""
    return _sum([{SETTLE_COIN: fill.gain or Decimal(0)}], [{fill.fee_currency: fill.fee}])


def _costs(fill: FillReport, rows: list[LedgerRow]) -> dict[str, Decimal]:
    """Fees and funding of one execution: exchange minus books, by coin."""
    return _sum([*({row.currency: row.change - row.cash_flow} for row in rows), {fill.fee_currency: fill.fee}], [])


def _sum(plus: Iterable[dict[str, Decimal]], minus: Iterable[dict[str, Decimal]]) -> dict[str, Decimal]:
    """Sums by coin."""
    total: dict[str, Decimal] = {}
    for sign, amounts in ((1, plus), (-1, minus)):
        for each in amounts:
            for coin, amount in each.items():
                total[coin] = total.get(coin, Decimal(0)) + sign * amount
    return total


def _above(amounts: dict[str, Decimal]) -> dict[str, Decimal]:
    """The amounts that are more than rounding."""
    return {coin: each for coin, each in amounts.items() if abs(each) > EXACT}


def _named(what: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} {what}: {', '.join(names[:_SHOWN])}{more}"
