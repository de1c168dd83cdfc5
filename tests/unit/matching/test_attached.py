"""Stops and take-profits live on the position."""

from decimal import Decimal

import pytest

from cockpit.domain.enums import OrderStatus, Side, TriggerBy
from cockpit.matching.attached import StopChange
from cockpit.matching.records import STOP_LOSS, TAKE_PROFIT, Order, Rejected
from tests.unit.matching.market import SYMBOL, Bench

BUY, SELL = Side.BUY, Side.SELL


def stop_of(bench: Bench, kind: str = STOP_LOSS) -> Order:
    order = bench.account.attached(SYMBOL, kind)
    assert order is not None
    return order


def test_stop_appears_with_the_first_fill_and_follows_the_size(bench: Bench) -> None:
    bench.order(BUY, "1.5", "100.1", stop_loss=Decimal(95), sl_trigger_by=TriggerBy.MARK)
    assert stop_of(bench).lots == 1000
    bench.trade(SELL, 1000, 500)
    assert stop_of(bench).lots == 1500
    bench.order(SELL, "0.4", reduce_only=True)
    assert (stop_of(bench).lots, stop_of(bench).status) == (1100, OrderStatus.UNTRIGGERED)


def test_unfilled_order_carries_no_stop_yet(bench: Bench) -> None:
    bench.order(BUY, "1", "99", stop_loss=Decimal(95))
    assert bench.account.attached(SYMBOL, STOP_LOSS) is None


@pytest.mark.parametrize("by", [TriggerBy.LAST, TriggerBy.MARK, TriggerBy.INDEX])
def test_f117_stop_fires_on_the_price_it_names(bench: Bench, by: TriggerBy) -> None:
    bench.view.mark, bench.view.index = Decimal(100), Decimal(100)
    bench.order(BUY, "1", stop_loss=Decimal(95), sl_trigger_by=by)
    stop = stop_of(bench)
    for other in set(TriggerBy) - {by}:
        move(bench, other, 940)
        assert stop.status is OrderStatus.UNTRIGGERED
    move(bench, by, 950)
    assert stop.status is OrderStatus.FILLED
    assert bench.lots == 0


def move(bench: Bench, by: TriggerBy, ticks: int) -> None:
    if by is TriggerBy.LAST:
        bench.view.last = ticks
    elif by is TriggerBy.MARK:
        bench.view.mark = Decimal(ticks) / 10
    else:
        bench.view.index = Decimal(ticks) / 10
    bench.step()


def test_fired_stop_takes_its_partner_along(bench: Bench) -> None:
    bench.order(BUY, "1", stop_loss=Decimal(95), take_profit=Decimal(110))
    profit = stop_of(bench, TAKE_PROFIT)
    bench.trade(SELL, 949, 1)
    assert bench.lots == 0
    assert (profit.status, profit.cancel_type) == (OrderStatus.DEACTIVATED, "CancelByOCOTpCanceledBySlTriggered")


def test_take_profit_of_a_short_fires_below(bench: Bench) -> None:
    bench.order(SELL, "1", take_profit=Decimal(90), stop_loss=Decimal(105))
    bench.trade(SELL, 899, 1)
    assert bench.lots == 0
    assert bench.account.ledger.executions[-1].stop_order_type == TAKE_PROFIT


def test_stop_in_a_thin_book_keeps_closing_until_flat(bench: Bench) -> None:
    bench.order(BUY, "2", stop_loss=Decimal(95))
    bench.show(bids=[(949, 300)], asks=[(1001, 10)])
    bench.trade(SELL, 949, 1)
    assert bench.lots == 1700
    bench.show(bids=[(930, 5000)], asks=[(1001, 10)])
    assert bench.lots == 0


def test_f125_closing_by_hand_clears_the_stop(bench: Bench) -> None:
    bench.order(BUY, "1", stop_loss=Decimal(95))
    stop = stop_of(bench)
    bench.order(SELL, "1", reduce_only=True)
    assert (stop.status, stop.cancel_type) == (OrderStatus.DEACTIVATED, "CancelByTpSlTsClear")


def test_flipping_clears_the_old_stop(bench: Bench) -> None:
    bench.order(BUY, "1", stop_loss=Decimal(95))
    bench.order(SELL, "1.5", stop_loss=Decimal(105))
    stop = stop_of(bench)
    assert (stop.side, stop.trigger_price, stop.lots) == (BUY, 1050, 500)


def test_trading_stop_moves_in_place(bench: Bench) -> None:
    bench.order(BUY, "1", stop_loss=Decimal(95))
    before = stop_of(bench)
    bench.matching.attached.set(StopChange(symbol=SYMBOL, stop_loss=Decimal(97)), bench.now)
    assert stop_of(bench).order_id == before.order_id
    assert stop_of(bench).trigger_price == 970
    bench.matching.attached.set(StopChange(symbol=SYMBOL, take_profit=Decimal(105)), bench.now)
    assert (stop_of(bench).trigger_price, stop_of(bench, TAKE_PROFIT).trigger_price) == (970, 1050)


def test_trading_stop_zero_removes(bench: Bench) -> None:
    bench.order(BUY, "1", stop_loss=Decimal(95))
    bench.matching.attached.set(StopChange(symbol=SYMBOL, stop_loss=Decimal(0)), bench.now)
    assert bench.account.attached(SYMBOL, STOP_LOSS) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"stop_loss": Decimal(95)}, 34040),
        ({"take_profit": Decimal(0)}, 34040),
        ({"stop_loss": Decimal(101)}, 10001),
        ({"take_profit": Decimal(99)}, 10001),
        ({"stop_loss": Decimal("95.05")}, 10001),
        ({"stop_loss": Decimal(96), "position_idx": 1}, 10001),
    ],
)
def test_trading_stop_refusals(bench: Bench, change: dict[str, Decimal], code: int) -> None:
    bench.order(BUY, "1", stop_loss=Decimal(95))
    with pytest.raises(Rejected) as caught:
        bench.matching.attached.set(StopChange(symbol=SYMBOL, **change), bench.now)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_trading_stop_without_position_is_refused(bench: Bench) -> None:
    with pytest.raises(Rejected) as caught:
        bench.matching.attached.set(StopChange(symbol=SYMBOL, stop_loss=Decimal(95)), bench.now)
    assert caught.value.code == 10001
    assert "zero position" in caught.value.reason
