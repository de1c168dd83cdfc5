"""An engine that trades by itself on a fast synthetic market, and witnesses who watch it from the exchange's side.

Everything is judged by what the simulated exchange saw: its account, its request log and its clock.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from cockpit.domain.commands import PauseEntries
from cockpit.domain.enums import OrderRole
from cockpit.domain.ids import is_own, origin_of, role_of
from tests.support.link import attached
from tests.support.profile import PATIENCE_S, ProfileFolder, wait_until

STOP_BOUND_MS = 5_000
"""P1: a position without a stop gets one, or is being closed, within this span of the exchange's clock."""
CREATE = "/v5/order/create"
LEVERAGE = "/v5/position/set-leverage"
MARKET = ("--seed", "1", "--speed", "3")
"""A market of which the first signals come within seconds."""

NEVER = {
    "breakeven_at_pct": 0,
    "take_profit_r": 0,
    "time_stop_breakout_s": 0,
    "time_stop_bounce_s": 0,
    "bounce_exit_eaten_pct": 0,
    "slowdown_factor": 0,
    "counter_flow_factor": 0,
    "counter_density": False,
    "known_level": False,
}
"""No exit rule acts: positions end by their stop or by hand."""

EAGER: dict[str, dict[str, Any]] = {
    "signals": {"cooldown_s": 1.0, "ttl_s": 20.0},
    "signals.breakout": {
        "min_eaten": 0.1,
        "trend_gate": False,
        "min_change_24h_pct": -100.0,
        "min_pressure": -1.0,
        "stop_min_pct": 1.0,
    },
    "signals.bounce": {"min_age_s": 1.0, "max_activity": 100.0, "max_shrunk_pct": 50.0, "stop_behind_pct": 1.5},
    "risk": {
        "risk_pct": 0.02,
        "max_exposure_pct": 50.0,
        "max_drift_pct": 5.0,
        "max_spread_bps": 100.0,
        "max_book_age_s": 60.0,
        "max_reconcile_age_s": 300.0,
        "max_loop_lag_ms": 10_000.0,
        "max_entries_per_minute": 600,
        "day_loss_limit_r": 1000.0,
        "max_commit_ms": 5000.0,
    },
    "execution": {"entry_collar_bps": 100.0},
    "simex": {"order_ack_delay_ms": 100.0},
    "execution.exits": NEVER,
}
"""Gates so wide that nearly every wall leads to a trade, on a slow machine too; stops lie so far away that positions
last.

The exchange answers orders late, so that a kill can meet one whose answer is on its way."""

CHURNING = EAGER | {"execution.exits": NEVER | {"time_stop_bounce_s": 4.0, "time_stop_breakout_s": 8.0}}
"""As ``EAGER``, with closes in between: positions are left after a few seconds, and others come."""


def write_config(path: Path, sections: dict[str, dict[str, Any]]) -> Path:
    """Write a configuration file."""
    lines = []
    for name, keys in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    path.write_text("\n".join(lines))
    return path


class Exchange:
    """The simulated exchange of a profile, seen through its control routes."""

    def __init__(self, profile: ProfileFolder) -> None:
        self._profile = profile
        self._opener = build_opener(ProxyHandler({}))
        self._heard = 0

    def ask(self, verb: str, **body: Any) -> Any:
        """Look at a control route; with a body make the exchange do something."""
        simex = self._profile.simex
        assert simex is not None, "no exchange was started"
        data = json.dumps(body).encode() if body else None
        with self._opener.open(Request(f"{simex['control']}/{verb}", data=data), timeout=20) as answer:
            return json.loads(answer.read())

    def heal(self) -> None:
        """Take every fault away."""
        self.ask("heal", all=True)

    @property
    def now_ms(self) -> int:
        """The exchange's clock."""
        return int(self.ask("status")["wall_clock_ms"])

    @property
    def account(self) -> dict[str, Any]:
        """Wallet, positions, orders, executions."""
        account: dict[str, Any] = self.ask("account")
        return account

    def positions(self) -> dict[str, dict[str, Any]]:
        """Open positions by symbol."""
        return {row["symbol"]: row for row in self.account["positions"]}

    def naked(self) -> list[str]:
        """Symbols with a position and no stop."""
        return sorted(symbol for symbol, row in self.positions().items() if not _has_stop(row))

    def exec_ids(self) -> set[str]:
        """Every execution of the account."""
        return {row["execId"] for row in self.account["executions"]}

    def new_requests(self) -> list[dict[str, Any]]:
        """Private requests that arrived since the last call, oldest first."""
        rows: list[dict[str, Any]] = self.ask(f"requests?after={self._heard}")["requests"]
        self._heard = max([self._heard, *(row["number"] for row in rows)])
        return rows

    def new_writes(self) -> list[str]:
        """Paths of requests since the last call that touch orders, stops or positions (leverage is set while flat)."""
        return [row["path"] for row in self.new_requests() if row["method"] == "POST" and row["path"] != LEVERAGE]

    def is_flat(self) -> bool:
        """True if there is neither a position nor an order."""
        account = self.account
        return account["positions"] == [] and account["orders"] == []

    def hold(self, symbol: str, side: str = "Buy", qty: str = "1", stop: str = "") -> None:
        """Open a position as another program on the account would."""
        fields = {"stopLoss": stop} if stop else {}
        self.ask("manual/order", symbol=symbol, side=side, orderType="Market", qty=qty, **fields)


def _has_stop(row: dict[str, Any]) -> bool:
    return row["stopLoss"] not in ("", "0")


class Witness:
    """Watches the account without pause and remembers for how long a position was seen without a stop."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._since_ms: dict[str, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.naked_ms: dict[str, int] = {}
        """Longest span in which every look found the symbol's position naked, of the exchange's clock."""
        self.looks = 0
        self.failure: Exception | None = None

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            try:
                naked, now_ms = self._exchange.naked(), self._exchange.now_ms
            except Exception as error:  # noqa: BLE001 - told when the watch ends
                self.failure = error
                return
            self.looks += 1
            self._since_ms = {symbol: self._since_ms.get(symbol, now_ms) for symbol in naked}
            for symbol, since_ms in self._since_ms.items():
                self.naked_ms[symbol] = max(self.naked_ms.get(symbol, 0), now_ms - since_ms)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and say what was seen."""
        self._over.set()
        self._thread.join()
        assert self.failure is None, self.failure
        assert self.looks > 0


@contextmanager
def witnessed(exchange: Exchange) -> Iterator[Witness]:
    """No position stays without a stop for longer than the promise while this runs."""
    witness = Witness(exchange)
    witness.start()
    try:
        yield witness
    finally:
        witness.stop()
    late = {symbol: span for symbol, span in witness.naked_ms.items() if span > STOP_BOUND_MS}
    assert not late, f"positions without a stop for so many ms: {late}"


class Entries:
    """What the exchange accepted of our entries, gathered over any number of engines."""

    def __init__(self) -> None:
        self.accepted: dict[str, list[str]] = {}
        """Signal id -> link ids of its accepted entries."""
        self.sent: set[str] = set()
        """Link ids of every order of ours that arrived."""

    def add(self, requests: list[dict[str, Any]]) -> None:
        """Count these requests."""
        for row in requests:
            link_id = str(row["params"].get("orderLinkId", ""))
            if row["path"] != CREATE or not is_own(link_id):
                continue
            self.sent.add(link_id)
            if role_of(link_id) is OrderRole.ENTRY and row["ret_code"] == 0:
                self.accepted.setdefault(str(origin_of(link_id)), []).append(link_id)

    @property
    def doubled(self) -> dict[str, list[str]]:
        """Signals with more than one accepted entry."""
        return {signal: links for signal, links in self.accepted.items() if len(links) > 1}


def blocks(profile: ProfileFolder) -> list[str]:
    """Why entries are off."""
    reasons: list[str] = profile.told()["header"]["blocks"]
    return reasons


def pause_entries(profile: ProfileFolder) -> None:
    """Leave the positions as they are from now on: an operator pauses entries, and what was on its way has ended."""

    async def pause() -> None:
        async with attached(profile.socket, "anna") as client:
            assert (await client.send(PauseEntries(), seen="test")).accepted

    asyncio.run(pause())
    until_so(
        lambda: all(row["state"] == "open" for row in profile.told()["positions"]["rows"]), "everything is settled"
    )


def wait_ready(profile: ProfileFolder) -> dict[str, Any]:
    """Wait until the engine has read the account and nothing keeps entries off; its status then."""
    found: dict[str, Any] = {}

    def is_ready() -> bool:
        found.update(profile.told())
        return not found["header"]["blocks"]

    until_so(is_ready, "entries are on")
    return found


def until_holding(exchange: Exchange, count: int) -> None:
    """Wait until the account holds ``count`` positions."""
    wait_until(lambda: len(exchange.positions()) >= count, f"{count} positions are open", 2 * PATIENCE_S)


def until_so(condition: Callable[[], object], what: str, deadline_s: float = PATIENCE_S) -> None:
    """As ``wait_until``; a command or request that fails meanwhile counts as "not yet"."""

    def holds() -> object:
        try:
            return condition()
        except (OSError, ValueError, KeyError):
            return False

    wait_until(holds, what, deadline_s)
