"""The verdict after every fault: loop lag, exposure, stops and the request log. One door for all process tests.

Lag, stops and exposure are looked at without pause while a test runs; everything else after its fault.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from cockpit.risk.limits import RiskLimits
from tests.process.lag import LagProbe
from tests.process.request_record import RequestRecord, Row
from tests.process.rig import EAGER, Exchange
from tests.support.profile import ProfileFolder

STOP_BOUND_MS = 5_000
"""P1: a position without a stop gets one, or is being closed, within this span of the exchange's clock."""
RECOVERY_S = 20.0
"""After a fault everything holds within this span; until then it is asked again and again."""
LAG_LIMIT_MS = RiskLimits().max_loop_lag_ms
"""Of the gate in force for an operator; the engines of these tests may have a wider one."""
EXPOSURE_LIMIT_PCT = Decimal(repr(EAGER["risk"]["max_exposure_pct"]))
COLLAR = Decimal(repr(EAGER["execution"]["entry_collar_bps"])) / 10_000
"""A sell is sized at its collar and may fill above it: it may bind more margin than it was given by this share."""
SAME_PCT = Decimal("0.02")
"""Engine and exchange divide by an equity of slightly different age; the smallest position is larger than this."""


class Verdict:
    """Judges one account, and the engines on it."""

    def __init__(self, profile: ProfileFolder, exposure_limit_pct: Decimal) -> None:
        self._profile = profile
        self._exchange = Exchange(profile)
        self._limit_pct = exposure_limit_pct
        self._heard = 0
        self.requests = RequestRecord()
        self.witness = Witness(self._exchange, exposure_limit_pct)
        self.lag = LagProbe(profile.socket)

    def holds(self, *others: ProfileFolder) -> None:
        """Everything holds within the recovery span, with the engine of the profile (and ``others``) alive."""
        _until_none(
            lambda: [
                *account_faults(self._exchange.account, self._limit_pct),
                *(fault for profile in (self._profile, *others) for fault in self._engine_faults(profile)),
                *([] if self.lag.own_ms else ["nobody has measured the loop"]),
            ]
        )
        self.hear()

    def exchange_holds(self) -> None:
        """As ``holds``, without an engine."""
        _until_none(lambda: account_faults(self._exchange.account, self._limit_pct))
        self.hear()

    def hear(self) -> list[Row]:
        """Judge the requests since the last call, and return them."""
        rows: list[Row] = self._exchange.ask(f"requests?after={self._heard}")["requests"]
        self._heard = max([self._heard, *(row["number"] for row in rows)])
        self.requests.add(rows)
        faults = self.requests.faults + self.requests.stops_taken_away(self._exchange.account["executions"])
        assert not faults, faults
        return rows

    @contextmanager
    def silence(self) -> Iterator[None]:
        """No request arrives meanwhile: the engine is dead or stopped."""
        self.hear()  # what was on its way has arrived
        yield
        late = self.hear()
        assert late == [], f"requests without an engine: {late}"

    @contextmanager
    def stopped(self, pid: int) -> Iterator[None]:
        """The engine is stopped meanwhile, and asks for nothing."""
        with self.lag.away():
            os.kill(pid, signal.SIGSTOP)
            try:
                with self.silence():
                    yield
            finally:
                os.kill(pid, signal.SIGCONT)

    def _engine_faults(self, profile: ProfileFolder) -> list[str]:
        try:
            before, told, after = self._exchange.account, profile.told(), self._exchange.account
        except (OSError, KeyError) as error:
            return [f"the engine does not answer: {error!r}"]
        if _held(before) != _held(after):
            return ["positions change too fast to be compared"]
        return engine_faults(told, after)


@contextmanager
def judged(profile: ProfileFolder, exposure_limit_pct: Decimal = EXPOSURE_LIMIT_PCT) -> Iterator[Verdict]:
    """Watch the account of a profile while this runs; what was seen and heard must hold at its end."""
    verdict = Verdict(profile, exposure_limit_pct)
    verdict.witness.start()
    verdict.lag.start()
    try:
        yield verdict
    finally:
        verdict.lag.stop()
        verdict.witness.stop()
    verdict.witness.holds()
    verdict.lag.holds()
    verdict.exchange_holds()


def account_faults(account: Row, limit_pct: Decimal) -> list[str]:
    """What must not be so of an account: positions without a stop, exposure above the limit."""
    faults = [f"{symbol} has no stop" for symbol in naked(account)]
    share = exposure_pct(account)
    if share > limit_pct * (1 + COLLAR):
        faults.append(f"exposure {share:.3f} % is above {limit_pct} %")
    return faults


def engine_faults(told: dict[str, Any], account: Row) -> list[str]:
    """Where an engine is late, or tells something else than the exchange."""
    faults = []
    lag_ms = told["health"]["loop_lag_ms"]
    if lag_ms is None or lag_ms > LAG_LIMIT_MS:
        faults.append(f"the loop is {lag_ms} ms late")
    shown = {row["symbol"]: (row["is_long"], Decimal(row["qty"])) for row in told["positions"]["rows"]}
    if shown != _held(account):
        faults.append(f"the engine holds {shown}, the exchange {_held(account)}")
    share, truth = Decimal(repr(told["risk"]["exposure_percent"])), exposure_pct(account)
    if abs(share - truth) > SAME_PCT:
        faults.append(f"the engine tells an exposure of {share:.3f} %, the exchange {truth:.3f} %")
    return faults


def naked(account: Row) -> list[str]:
    """Symbols with a position and no stop."""
    return sorted(row["symbol"] for row in account["positions"] if row["stopLoss"] in ("", "0"))


def exposure_pct(account: Row) -> Decimal:
    """Margin of positions and resting orders in percent of equity, by the exchange's own figures."""
    (coin,) = (row for row in account["wallet"]["coin"] if row["coin"] == "USDT")
    bound = Decimal(coin["totalPositionIM"]) + Decimal(coin["totalOrderIM"])
    return bound / Decimal(coin["equity"]) * 100


def _held(account: Row) -> dict[str, tuple[bool, Decimal]]:
    return {row["symbol"]: (row["side"] == "Buy", Decimal(row["size"])) for row in account["positions"]}


def _until_none(faults: Callable[[], list[str]]) -> None:
    end = time.monotonic() + RECOVERY_S
    while found := faults():
        assert time.monotonic() < end, found
        time.sleep(0.05)


class Witness:
    """Watches the account without pause: for how long a position was naked, and how high the exposure was."""

    def __init__(self, exchange: Exchange, exposure_limit_pct: Decimal) -> None:
        self._exchange = exchange
        self._limit_pct = exposure_limit_pct
        self._since_ms: dict[str, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.naked_ms: dict[str, int] = {}
        """Longest span in which every look found the symbol's position naked, of the exchange's clock."""
        self.exposure_pct = Decimal(0)
        """Highest of all looks."""
        self.looks = 0
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def holds(self) -> None:
        """Nothing that was seen breaks a promise."""
        assert self.failure is None, self.failure
        assert self.looks > 0
        late = {symbol: span for symbol, span in self.naked_ms.items() if span > STOP_BOUND_MS}
        assert not late, f"positions without a stop for so many ms: {late}"
        most = self._limit_pct * (1 + COLLAR)
        assert self.exposure_pct <= most, f"exposure was {self.exposure_pct:.3f} %, the limit is {self._limit_pct} %"

    def look(self, account: Row, now_ms: int) -> None:
        """Take in one reading of the account."""
        self.looks += 1
        self._since_ms = {symbol: self._since_ms.get(symbol, now_ms) for symbol in naked(account)}
        for symbol, since_ms in self._since_ms.items():
            self.naked_ms[symbol] = max(self.naked_ms.get(symbol, 0), now_ms - since_ms)
        self.exposure_pct = max(self.exposure_pct, exposure_pct(account))

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            try:
                account, now_ms = self._exchange.account, self._exchange.now_ms
            except Exception as error:  # noqa: BLE001 - told when the watch ends
                self.failure = error
                return
            self.look(account, now_ms)
