"""What engines and commands asked of the exchange, read from its request log and judged row by row. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from cockpit.domain.enums import OrderRole
from cockpit.domain.ids import is_own, origin_of, role_of

CREATE = "/v5/order/create"
CANCEL_ALL, CANCEL, STOP = "/v5/order/cancel-all", "/v5/order/cancel", "/v5/position/trading-stop"
NO_STOP = (None, "", "0")
EPOCH = re.compile(r"c[a-z](\d+)[a-z0-9]*-")
"""Begin of a link id of ours: environment, count of engine starts, mark of the data folder."""

Row = dict[str, Any]


class RequestRecord:
    """Every request of an account since the beginning, over any number of engines."""

    def __init__(self) -> None:
        self.accepted: dict[str, list[str]] = {}
        """Signal id -> link ids of its accepted entries."""
        self.arrived: Counter[str] = Counter()
        """Link ids of every order that arrived."""
        self.faults: list[str] = []
        """What should never have arrived, in words."""
        self._epoch = 0
        self._strips: list[Row] = []

    def add(self, rows: list[Row]) -> None:
        """Take further requests, oldest first."""
        for row in rows:
            if row["path"] == CREATE:
                self._create(row)
            elif _strips_stops(row):
                self._strips.append(row)

    def stops_taken_away(self, executions: list[Row]) -> list[str]:
        """Requests that remove stops and arrived while their symbol was held, by the account's executions."""
        changes = [
            (int(row["execTime"]), row["symbol"], Decimal(row["execQty"]) * (1 if row["side"] == "Buy" else -1))
            for row in executions
            if row["execType"] != "Funding"
        ]
        faults = []
        for request in self._strips:
            held: dict[str, Decimal] = defaultdict(Decimal)
            for at_ms, symbol, qty in changes:
                if at_ms <= request["at_ms"] and request["params"].get("symbol") in (None, symbol):
                    held[symbol] += qty
            if names := sorted(symbol for symbol, qty in held.items() if qty):
                faults.append(f"{_words(request)} took stops away while {', '.join(names)} was held")
        return faults

    def _create(self, row: Row) -> None:
        params = row["params"]
        link_id = str(params.get("orderLinkId", ""))
        self.arrived[link_id] += 1
        if self.arrived[link_id] > 1:
            self.faults.append(f"{_words(row)}: link id used twice")
        self._of_the_living(row, link_id)
        if not is_own(link_id):
            self.faults.append(f"{_words(row)}: no link id of ours")
        elif role_of(link_id) is OrderRole.ENTRY:
            self._entry(row, link_id)
        elif params.get("reduceOnly") is not True:
            self.faults.append(f"{_words(row)}: a close that could open")

    def _entry(self, row: Row, link_id: str) -> None:
        if row["params"].get("stopLoss") in NO_STOP:
            self.faults.append(f"{_words(row)}: an entry without a stop")
        if row["ret_code"] == 0:
            links = self.accepted.setdefault(str(origin_of(link_id)), [])
            links.append(link_id)
            if len(links) > 1:
                self.faults.append(f"{_words(row)}: second accepted entry of its signal, after {links[0]}")

    def _of_the_living(self, row: Row, link_id: str) -> None:
        """Each start of an engine raises the epoch in its link ids; a flatten without an engine has epoch 0."""
        found = EPOCH.match(link_id)
        epoch = 0 if found is None else int(found[1])
        if 0 < epoch < self._epoch:
            self.faults.append(f"{_words(row)}: of an engine that is dead, epoch {self._epoch} lives")
        self._epoch = max(epoch, self._epoch)


def _strips_stops(request: Row) -> bool:
    """True for what takes stops away: cancels that are not bound to plain orders or to one of ours, and empty stops."""
    params = request["params"]
    if request["path"] == CANCEL_ALL:
        return params.get("orderFilter") != "Order"
    if request["path"] == CANCEL:
        return not is_own(str(params.get("orderLinkId", "")))
    return request["path"] == STOP and params.get("stopLoss") in NO_STOP


def _words(row: Row) -> str:
    return f"request {row['number']} ({row['path']}, {row['params']})"
