"""The verdict can fail: each of its rules, broken once, is told. Without processes."""

from __future__ import annotations

import time
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.process.lag import LagProbe
from tests.process.request_record import CANCEL, CANCEL_ALL, CREATE, STOP, RequestRecord
from tests.process.rig import Exchange
from tests.process.verdict import STOP_BOUND_MS, Witness, account_faults, engine_faults
from tests.support.profile import ProfileFolder

LIMIT_PCT = Decimal(1)


def request(number: int = 1, path: str = CREATE, ret_code: int | None = 0, **params: Any) -> dict[str, Any]:
    return {"number": number, "at_ms": number, "path": path, "method": "POST", "params": params, "ret_code": ret_code}


def entry(number: int, link_id: str = "cs1-7abc-e1", **params: Any) -> dict[str, Any]:
    return request(number, **{"orderLinkId": link_id, "symbol": "BTCUSDT", "stopLoss": "9"} | params)


def close(number: int, link_id: str = "cs1-7abc-c1", **params: Any) -> dict[str, Any]:
    return request(number, **{"orderLinkId": link_id, "symbol": "BTCUSDT", "reduceOnly": True} | params)


def account(stop: str = "9", margin: str = "50") -> dict[str, Any]:
    position = {"symbol": "BTCUSDT", "side": "Buy", "size": "0.002", "stopLoss": stop}
    coin = {"coin": "USDT", "equity": "10000", "totalPositionIM": margin, "totalOrderIM": "0"}
    return {"positions": [position], "wallet": {"coin": [coin]}}


def told(lag_ms: int | None = 3, qty: str = "0.002", is_long: bool = True, exposure: float = 0.5) -> dict[str, Any]:
    row = {"symbol": "BTCUSDT", "is_long": is_long, "qty": qty}
    return {
        "health": {"loop_lag_ms": lag_ms},
        "positions": {"rows": [row]},
        "risk": {"exposure_percent": exposure},
    }


def faults_of(*rows: dict[str, Any]) -> list[str]:
    record = RequestRecord()
    record.add(list(rows))
    return record.faults


def test_orders_as_they_should_be_are_no_fault() -> None:
    rows = [entry(1), close(2), close(3, "cs0-X1-f1"), entry(4, "cs2abc-7abd-e1"), close(5, "cs2-7abc-c1")]
    assert faults_of(*rows) == []


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([close(1), close(2)], "link id used twice"),
        ([entry(1, ret_code=None), entry(2)], "link id used twice"),
        ([entry(1), entry(2, "cs2-7abc-e1")], "second accepted entry"),
        ([entry(1, stopLoss="")], "without a stop"),
        ([close(1, reduceOnly=False)], "could open"),
        ([close(1, link_id="cs1-7abc-f1", reduceOnly=None)], "could open"),
        ([entry(1, "anything")], "no link id of ours"),
        ([entry(1, "cs2abc-7abc-e1"), close(2, "cs1abc-7abd-c1")], "of an engine that is dead"),
    ],
)
def test_order_that_should_never_arrive_is_told(rows: list[dict[str, Any]], word: str) -> None:
    (fault,) = faults_of(*rows)
    assert word in fault


@pytest.mark.parametrize(
    "row",
    [
        request(5, CANCEL_ALL, symbol="BTCUSDT"),
        request(5, CANCEL_ALL, settleCoin="USDT", orderFilter="StopOrder"),
        request(5, CANCEL, symbol="BTCUSDT", orderId="17"),
        request(5, STOP, symbol="BTCUSDT", stopLoss="0"),
    ],
)
@pytest.mark.parametrize(("sold_ms", "is_fault"), [(4, False), (6, True)])
def test_request_that_takes_stops_away_is_told_while_its_symbol_is_held(
    row: dict[str, Any], sold_ms: int, is_fault: bool
) -> None:
    record = RequestRecord()
    record.add([row])
    bought = {"symbol": "BTCUSDT", "side": "Buy", "execQty": "0.2", "execTime": "1", "execType": "Trade"}
    sold = bought | {"side": "Sell", "execTime": str(sold_ms)}
    assert bool(record.stops_taken_away([bought, sold])) is is_fault


def test_account_without_a_stop_or_above_its_limit_is_told() -> None:
    assert account_faults(account(), LIMIT_PCT) == []
    assert account_faults(account(stop="0"), LIMIT_PCT) == ["BTCUSDT has no stop"]
    assert account_faults(account(margin="102"), LIMIT_PCT) == ["exposure 1.020 % is above 1 %"]


@pytest.mark.parametrize(
    ("what", "word"),
    [
        (told(lag_ms=400), "ms late"),
        (told(lag_ms=None), "ms late"),
        (told(qty="0.001"), "holds"),
        (told(is_long=False), "holds"),
        (told(exposure=0.4), "exposure"),
    ],
)
def test_engine_that_is_late_or_tells_something_else_is_told(what: dict[str, Any], word: str) -> None:
    assert engine_faults(told(), account()) == []
    (fault,) = engine_faults(what, account())
    assert word in fault


@pytest.mark.parametrize(
    ("waited_ms", "is_stopped", "is_fault"), [(0, False, True), (2_500, False, False), (0, True, False)]
)
def test_loop_that_was_blocked_is_told_unless_the_machine_or_the_test_kept_it(
    waited_ms: int, is_stopped: bool, is_fault: bool, tmp_path: Path
) -> None:
    probe = LagProbe(tmp_path / "socket")
    began = time.monotonic()
    if is_stopped:
        with probe.away():
            pass
    probe.look(began - 2, 3, 100)
    probe.look(began - 1, 3, 100)
    probe.holds()
    probe.look(began + 2, 3_000, 100 + waited_ms)
    probe.look(began + 3, 3, 100 + waited_ms)
    with pytest.raises(AssertionError, match="blocked for 3000 ms") if is_fault else nullcontext():
        probe.holds()


@pytest.mark.parametrize(
    ("readings", "word"),
    [
        ([(account(stop=""), 0), (account(stop=""), STOP_BOUND_MS + 1)], "without a stop"),
        ([(account(margin="102"), 0), (account(), 1)], "exposure was"),
    ],
)
def test_witness_remembers_what_is_over(readings: list[tuple[dict[str, Any], int]], word: str, tmp_path: Any) -> None:
    witness = Witness(Exchange(ProfileFolder(tmp_path)), LIMIT_PCT)
    for reading, now_ms in readings:
        witness.look(reading, now_ms)
    with pytest.raises(AssertionError, match=word):
        witness.holds()
