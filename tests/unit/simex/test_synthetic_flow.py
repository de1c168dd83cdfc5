"""The synthetic order flow keeps its promises on every step."""

from random import Random

import pytest

from cockpit.simex.synthetic.flow import SymbolFlow
from cockpit.simex.synthetic.specs import spec_of


def flow_of(symbol: str, seed: int = 1, trend: int = 1) -> SymbolFlow:
    return SymbolFlow(spec_of(symbol), Random(f"{seed}:{symbol}"), trend=trend)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ADAUSDT", "SOMECOINUSDT"])
def test_book_never_crosses_and_stays_deep(symbol: str) -> None:
    flow = flow_of(symbol)
    while flow.now_s < 90:
        flow.next_step()
        assert flow.bids.best is not None
        assert flow.asks.best is not None
        assert flow.bids.best < flow.asks.best
        assert len(flow.bids) >= 200
        assert len(flow.asks) >= 200
        assert min(flow.bids.lots.values()) > 0


def test_same_seed_gives_the_same_flow() -> None:
    one, two = flow_of("SOLUSDT", seed=7), flow_of("SOLUSDT", seed=7)
    assert [one.next_step() for _ in range(2000)] == [two.next_step() for _ in range(2000)]


def test_other_seed_gives_another_flow() -> None:
    one, two = flow_of("SOLUSDT", seed=7), flow_of("SOLUSDT", seed=8)
    assert [one.next_step() for _ in range(50)] != [two.next_step() for _ in range(50)]


def test_changes_of_steps_rebuild_the_book() -> None:
    flow = flow_of("XRPUSDT")
    bids, asks = dict(flow.bids.lots), dict(flow.asks.lots)
    for _ in range(3000):
        step = flow.next_step()
        bids.update(step.bids)
        asks.update(step.asks)
    assert {t: q for t, q in bids.items() if q} == flow.bids.lots
    assert {t: q for t, q in asks.items() if q} == flow.asks.lots


def test_every_fall_at_a_traded_wall_is_covered_by_prints() -> None:
    flow = flow_of("ETHUSDT")
    covered = 0
    while flow.now_s < 120:
        before = {True: dict(flow.bids.lots), False: dict(flow.asks.lots)}
        step = flow.next_step()
        for print_ in step.prints:
            is_bid = print_.side == "Sell"
            assert before[is_bid].get(print_.ticks, print_.lots) > 0 or print_.ticks in (step.bids | step.asks)
            covered += 1
    assert covered > 100
