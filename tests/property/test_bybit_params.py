"""Whatever is ordered, every number on the wire is plain decimal text and means exactly what was asked."""

from __future__ import annotations

import re
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cockpit.adapters.bybit import params
from cockpit.domain.enums import OrderRole, OrderType, Side, TimeInForce
from cockpit.domain.ids import ClientOrderId
from cockpit.domain.instrument import Instrument, Lots, Ticks
from cockpit.domain.orders import OrderRequest

_step = st.builds(
    lambda digit, power: Decimal(digit) * Decimal(10) ** power, st.sampled_from([1, 2, 5]), st.integers(-10, 4)
)
_count = st.integers(1, 10**9)


@given(_step, _step, _count, _count, _count)
def test_f123_numbers_on_the_wire_are_plain_and_exact(
    tick: Decimal, lot: Decimal, price: int, lots: int, stop: int
) -> None:
    rules = Instrument(
        symbol="A",
        tick_size=tick,
        qty_step=lot,
        min_qty=lot,
        max_qty=lot,
        max_market_qty=lot,
        min_notional=lot,
        max_leverage=Decimal(10),
    )
    request = OrderRequest(
        client_id=ClientOrderId("cs1-x1-e1"),
        symbol="A",
        side=Side.BUY,
        role=OrderRole.ENTRY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        lots=Lots(lots),
        price=Ticks(price),
        stop_loss=Ticks(stop),
    )
    sent = params.order(request, rules)
    for name, step, count in (("qty", lot, lots), ("price", tick, price), ("stopLoss", tick, stop)):
        assert re.fullmatch(r"\d+(\.\d+)?", sent[name])
        assert Decimal(sent[name]) == step * count
