"""An engine that trades by itself on a fast synthetic market, and its exchange as seen through the control routes.

What must hold of both is judged in ``verdict``.
"""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from cockpit.domain.commands import PauseEntries
from tests.support.link import attached
from tests.support.profile import PATIENCE_S, ProfileFolder, wait_until

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
        "max_exposure_pct": 1.0,
        "max_drift_pct": 5.0,
        "max_spread_bps": 100.0,
        "max_book_age_s": 60.0,
        "max_reconcile_age_s": 300.0,
        "max_loop_lag_ms": 10_000.0,
        "max_entries_per_minute": 600,
        "day_loss_limit_r": 1000.0,
        "max_commit_ms": 5000.0,
    },
    "execution": {"entry_collar_bps": 50.0},
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

    def sent(self, path: str) -> int:
        """How many requests of ``path`` have arrived in all."""
        return int(self.ask("counters")["requests"].get(path, 0))

    def is_flat(self) -> bool:
        """True if there is neither a position nor an order."""
        account = self.account
        return account["positions"] == [] and account["orders"] == []

    def hold(self, symbol: str, side: str = "Buy", qty: str = "1", stop: str = "") -> None:
        """Open a position as another program on the account would."""
        fields = {"stopLoss": stop} if stop else {}
        self.ask("manual/order", symbol=symbol, side=side, orderType="Market", qty=qty, **fields)


@contextmanager
def limited(pid: int, which: int, value: int) -> Iterator[None]:
    """Take a resource away from a running process, and give it back."""
    before = resource.prlimit(pid, which)
    resource.prlimit(pid, which, (value, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, which, before)


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
