"""Whatever happens: quantity is conserved and the wallet is exactly start plus cash flows minus fees."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.domain.enums import Side, TimeInForce
from cockpit.matching.attached import StopChange
from cockpit.matching.records import ACTIVE, PLAIN, Rejected
from tests.unit.matching.market import SYMBOL, Bench

SIDES = st.sampled_from(list(Side))
PRICES = st.integers(900, 1100)
LOTS = st.integers(50, 4000)

ACTIONS = st.one_of(
    st.tuples(st.just("market"), SIDES, LOTS, st.booleans()),
    st.tuples(st.just("limit"), SIDES, LOTS, PRICES, st.sampled_from(list(TimeInForce))),
    st.tuples(st.just("close")),
    st.tuples(st.just("stop"), PRICES, PRICES),
    st.tuples(st.just("book"), PRICES, st.integers(1, 20), LOTS),
    st.tuples(st.just("print"), SIDES, PRICES, LOTS),
    st.tuples(st.just("cancel"), st.sampled_from(["", "Order", "StopOrder"])),
    st.tuples(st.just("funding"), st.integers(-20, 20)),
    st.tuples(st.just("liquidate")),
)


def act(bench: Bench, action: tuple[object, ...]) -> None:
    match action:
        case ("market", Side() as side, int(lots), bool(reduce_only)):
            bench.order(side, text(lots), reduce_only=reduce_only)
        case ("limit", Side() as side, int(lots), int(price), TimeInForce() as tif):
            bench.order(side, text(lots), str(Decimal(price) / 10), time_in_force=tif)
        case ("close",):
            side = bench.account.position(SYMBOL).side or Side.BUY
            bench.order(side.opposite, "0", reduce_only=True, close_on_trigger=True)
        case ("stop", int(loss), int(profit)):
            change = StopChange(symbol=SYMBOL, stop_loss=Decimal(loss) / 10, take_profit=Decimal(profit) / 10)
            bench.matching.attached.set(change, bench.now)
        case ("book", int(mid), int(spread), int(lots)):
            bench.show(bids=[(mid - 1 - n, lots) for n in range(4)], asks=[(mid + spread + n, lots) for n in range(4)])
        case ("print", Side() as side, int(price), int(lots)):
            bench.trade(side, price, lots)
        case ("cancel", str(order_filter)):
            bench.matching.cancel_all([SYMBOL], order_filter, "", bench.now)
        case ("funding", int(rate)):
            bench.account.book_funding(SYMBOL, Decimal(rate) / 10_000, bench.now)
        case _:
            bench.matching.force_close(SYMBOL, "BustTrade", "CreateByLiq", Decimal(1), bench.now)


def text(lots: int) -> str:
    return str(Decimal(lots) / 1000)


@settings(max_examples=120, deadline=None)
@given(st.lists(ACTIONS, max_size=40))
def test_books_always_balance(actions: list[tuple[object, ...]]) -> None:
    bench = Bench(wallet="100000")
    for action in actions:
        try:
            act(bench, action)
        except Rejected:
            continue
        finally:
            check_quantities(bench)
            check_wallet(bench)
            check_attached(bench)


def check_quantities(bench: Bench) -> None:
    fills = [row for row in bench.ledger.executions if row.exec_type != "Funding"]
    assert bench.lots == sum(row.lots * row.side.sign for row in fills)
    for order in bench.ledger.orders.values():
        assert order.filled == sum(row.lots for row in fills if row.order_id == order.order_id)
        assert 0 <= order.filled <= order.lots
        if order.reduce_only and order.status in ACTIVE:
            assert bench.lots != 0


def check_wallet(bench: Bench) -> None:
    """Cash flow of a fill: minus what was bought, plus what was sold; what is open is worth its entry value."""
    cash = Decimal(0)
    for row in bench.ledger.executions:
        if row.exec_type != "Funding":
            cash -= row.value * row.side.sign
        cash -= row.fee
    cost = bench.account.position(SYMBOL).cost * (1 if bench.lots > 0 else -1)
    assert bench.ledger.wallet == Decimal(100000) + cash + cost


def check_attached(bench: Bench) -> None:
    for order in bench.account.active_orders(SYMBOL):
        assert order.is_active
        if order.is_attached:
            assert order.stop_order_type != PLAIN
            assert bench.account.position(SYMBOL).closable(order.side) >= order.leaves > 0
