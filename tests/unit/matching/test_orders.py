"""How orders meet the book: limits, time in force, queue model, reduce-only."""

from decimal import Decimal

import pytest

from cockpit.domain.enums import OrderStatus, Side, TimeInForce
from cockpit.matching.core import RACE_MS
from cockpit.matching.intake import Amendment
from cockpit.matching.records import OrderChanged, Rejected
from tests.unit.matching.market import SYMBOL, Bench

BUY, SELL = Side.BUY, Side.SELL


def test_market_order_walks_the_book(bench: Bench) -> None:
    order = bench.order(BUY, "1.5")
    assert order.status is OrderStatus.FILLED
    assert bench.fills() == [("100.1", 1000), ("100.2", 500)]
    assert bench.lots == 1500


def test_what_we_took_stays_taken_until_the_level_is_renewed(bench: Bench) -> None:
    bench.order(BUY, "1")
    bench.order(BUY, "1")
    assert bench.fills() == [("100.1", 1000), ("100.2", 1000)]
    bench.view.book.set_level(is_bid=False, ticks=1001, lots=300)
    bench.order(BUY, "0.5")
    assert bench.fills() == [("100.1", 300), ("100.2", 200)]


def test_market_order_beyond_the_book_is_cancelled_with_its_fills(bench: Bench) -> None:
    order = bench.order(BUY, "5")
    assert order.status is OrderStatus.CANCELLED
    assert order.reject_reason == "EC_NoImmediateQtyToFill"
    assert order.filled == 3000


def test_limit_order_takes_within_its_price_and_rests(bench: Bench) -> None:
    order = bench.order(BUY, "1.5", "100.1")
    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert (order.filled, order.leaves) == (1000, 500)


def test_ioc_cancels_the_rest(bench: Bench) -> None:
    order = bench.order(BUY, "1.5", "100.1", time_in_force=TimeInForce.IOC)
    assert order.status is OrderStatus.CANCELLED
    assert order.filled == 1000


def test_fok_fills_completely_or_not_at_all(bench: Bench) -> None:
    order = bench.order(BUY, "1.5", "100.1", time_in_force=TimeInForce.FOK)
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, 0)
    order = bench.order(BUY, "1.5", "100.2", time_in_force=TimeInForce.FOK)
    assert (order.status, order.filled) == (OrderStatus.FILLED, 1500)


def test_f084_post_only_that_would_take_is_cancelled(bench: Bench) -> None:
    order = bench.order(BUY, "1", "100.1", time_in_force=TimeInForce.POST_ONLY)
    assert order.reject_reason == "EC_PostOnlyWillTakeLiquidity"
    order = bench.order(BUY, "1", "100.0", time_in_force=TimeInForce.POST_ONLY)
    assert order.status is OrderStatus.NEW


def test_resting_order_is_filled_up_to_the_size_of_a_trade_at_its_price(bench: Bench) -> None:
    order = bench.order(BUY, "1", "99.5")
    bench.trade(SELL, 995, 300)
    assert (order.status, order.filled) == (OrderStatus.PARTIALLY_FILLED, 300)
    bench.trade(BUY, 995, 300)
    assert order.filled == 300


def test_resting_order_is_filled_completely_by_a_trade_through_its_price(bench: Bench) -> None:
    order = bench.order(BUY, "1", "99.5")
    bench.trade(SELL, 994, 1)
    assert order.status is OrderStatus.FILLED
    assert bench.fills() == [("99.5", 1000)]


def test_resting_order_is_filled_at_its_price_when_the_opposite_best_reaches_it(bench: Bench) -> None:
    order = bench.order(SELL, "1", "100.5")
    bench.show(bids=[(1006, 400), (1004, 5000)], asks=[(1007, 100)])
    assert (order.filled, order.status) == (400, OrderStatus.PARTIALLY_FILLED)
    assert bench.fills() == [("100.5", 400)]


def test_maker_pays_maker_fee_and_taker_taker_fee(bench: Bench) -> None:
    maker = bench.order(BUY, "1", "99.5")
    bench.trade(SELL, 994, 1)
    assert maker.fee == Decimal("99.5") * Decimal("0.0002")
    taker = bench.order(SELL, "1", reduce_only=True)
    assert taker.fee == Decimal("99.9") * Decimal("0.00055")


def test_reduce_only_never_turns_the_position(bench: Bench) -> None:
    bench.order(BUY, "0.5")
    order = bench.order(SELL, "2", reduce_only=True)
    assert bench.lots == 0
    assert order.filled == 500


def test_quantity_zero_closes_the_whole_position(bench: Bench) -> None:
    bench.order(BUY, "0.7")
    bench.order(SELL, "0", reduce_only=True, close_on_trigger=True)
    assert bench.lots == 0


@pytest.mark.parametrize("more", [{}, {"reduce_only": True}])
def test_quantity_zero_alone_is_refused(bench: Bench, more: dict[str, bool]) -> None:
    bench.order(BUY, "0.7")
    with pytest.raises(Rejected) as caught:
        bench.order(SELL, "0", **more)
    assert caught.value.code == 10001


def test_resting_reduce_only_order_dies_with_the_position(bench: Bench) -> None:
    bench.order(BUY, "0.5")
    resting = bench.order(SELL, "0.5", "105", reduce_only=True)
    bench.order(SELL, "0.5", reduce_only=True)
    assert (resting.status, resting.cancel_type) == (OrderStatus.CANCELLED, "CancelByReduceOnly")


def test_order_larger_than_the_position_flips_it(bench: Bench) -> None:
    bench.order(BUY, "0.5")
    bench.order(SELL, "0.8")
    assert bench.lots == -300


def test_price_far_through_the_market_is_moved_to_the_band(bench: Bench) -> None:
    order = bench.order(BUY, "0.1", "120")
    assert order.price == 1051


def test_margin_is_checked_for_the_opening_part_only(bench: Bench) -> None:
    poor = Bench(wallet="12")
    with pytest.raises(Rejected) as caught:
        poor.order(BUY, "1.5")
    assert caught.value.code == 110007
    poor.order(BUY, "1")
    poor.order(SELL, "1")
    assert poor.lots == 0
    assert bench.account.available == Decimal(10000)


def test_available_balance_is_bound_by_orders_and_freed_by_cancelling(bench: Bench) -> None:
    order = bench.order(BUY, "10", "90")
    assert bench.account.available < Decimal(10000) - 90
    bench.matching.cancel(order, bench.now)
    assert bench.account.available == Decimal(10000)


def test_cancelled_order_cannot_be_cancelled_again(bench: Bench) -> None:
    order = bench.order(BUY, "1", "99")
    bench.matching.cancel(order, bench.now)
    with pytest.raises(Rejected) as caught:
        bench.matching.cancel(order, bench.now)
    assert caught.value.code == 110001


def test_cancel_that_loses_the_race_is_refused_and_the_order_is_told_as_filled_again(bench: Bench) -> None:
    order = bench.order(BUY, "1")
    bench.account.take_events()
    with pytest.raises(Rejected) as caught:
        bench.matching.cancel(order, bench.now + RACE_MS)
    assert caught.value.code == 110001
    [told] = [event.order for event in bench.account.take_events() if isinstance(event, OrderChanged)]
    assert (told.status, told.cancel_type) == (OrderStatus.FILLED, "CancelByUser")
    assert told.reject_reason == "EC_OrigClOrdIDDoesNotExist"
    assert order.reject_reason == "EC_NoError"
    with pytest.raises(Rejected):
        bench.matching.cancel(order, bench.now + RACE_MS + 1)
    assert bench.account.take_events() == []


@pytest.mark.parametrize(("kind", "word"), [("BustTrade", "CancelAllBeforeLiq"), ("AdlTrade", "CancelAllBeforeAdl")])
def test_orders_of_a_symbol_go_before_the_exchange_closes_its_position(bench: Bench, kind: str, word: str) -> None:
    bench.order(BUY, "1", stop_loss=Decimal(90))
    resting = bench.order(BUY, "1", "95")
    bench.matching.force_close(SYMBOL, kind, "CreateByLiq", Decimal("0.5"), bench.now)
    assert (resting.status, resting.cancel_type) == (OrderStatus.CANCELLED, word)
    assert bench.account.attached(SYMBOL, "StopLoss") is not None
    assert bench.lots == 500


def test_symbol_that_goes_off_the_list_only_lets_positions_be_reduced(bench: Bench) -> None:
    bench.order(BUY, "1", stop_loss=Decimal(90))
    resting, exit_order = bench.order(BUY, "1", "95"), bench.order(SELL, "1", "105", reduce_only=True)
    bench.matching.delist(SYMBOL, bench.now)
    assert (resting.status, resting.cancel_type) == (OrderStatus.CANCELLED, "CancelByAdmin")
    assert exit_order.is_active
    with pytest.raises(Rejected) as caught:
        bench.order(BUY, "1")
    assert caught.value.code == 30228
    bench.order(SELL, "1", reduce_only=True)
    assert bench.lots == 0


def test_cancel_all_honours_the_filter(bench: Bench) -> None:
    bench.order(BUY, "1", stop_loss=Decimal(90))
    plain = bench.order(BUY, "1", "95")
    conditional = bench.order(BUY, "1", "110", trigger_price=Decimal(108), trigger_direction=1)
    cancel_all = bench.matching.cancel_all
    assert cancel_all([SYMBOL], "Order", "", bench.now) == [plain]
    assert cancel_all([SYMBOL], "StopOrder", "Stop", bench.now) == [conditional]
    assert [order.stop_order_type for order in cancel_all([SYMBOL], "", "", bench.now)] == ["StopLoss"]


def test_amended_price_that_crosses_trades_at_once(bench: Bench) -> None:
    order = bench.order(BUY, "1", "99")
    bench.matching.amend(order, Amendment(price=Decimal("100.1")), bench.now)
    assert order.status is OrderStatus.FILLED


def test_amend_refuses_no_change_and_too_little(bench: Bench) -> None:
    order = bench.order(BUY, "1.5", "100.1")
    with pytest.raises(Rejected) as caught:
        bench.matching.amend(order, Amendment(price=Decimal("100.1")), bench.now)
    assert caught.value.code == 10001
    with pytest.raises(Rejected) as caught:
        bench.matching.amend(order, Amendment(qty=Decimal("0.9")), bench.now)
    assert caught.value.code == 110064


def test_entries_are_refused_and_exits_taken_once_the_market_has_ended(bench: Bench) -> None:
    bench.order(BUY, "0.5")
    bench.view.refuses_entries = "ended"
    with pytest.raises(Rejected) as caught:
        bench.order(BUY, "0.5")
    assert caught.value.code == 110074
    bench.order(SELL, "0.5", reduce_only=True)
    assert bench.lots == 0


def test_conditional_order_waits_then_trades(bench: Bench) -> None:
    order = bench.order(BUY, "1", trigger_price=Decimal("100.5"), trigger_direction=1)
    assert order.status is OrderStatus.UNTRIGGERED
    bench.show(bids=[(1004, 1000)], asks=[(1006, 5000)])
    assert order.status is OrderStatus.UNTRIGGERED
    bench.trade(BUY, 1006, 10)
    assert order.status is OrderStatus.FILLED


def test_leverage_is_set_once_and_limited(bench: Bench) -> None:
    bench.matching.set_leverage(SYMBOL, Decimal(5))
    for leverage, code in ((Decimal(5), 110043), (Decimal(51), 110013), (Decimal("0.5"), 10001)):
        with pytest.raises(Rejected) as caught:
            bench.matching.set_leverage(SYMBOL, leverage)
        assert caught.value.code == code
