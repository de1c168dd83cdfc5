"""Control verbs that change the conditions under which the exchange works: market, rules, modes, clock.

They stay until they are changed again; ``/sim/heal`` ends faults, not conditions. Loopback only, unsigned.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from cockpit.matching.market_view import MarketView
from cockpit.simex.events import BookChange, Level
from cockpit.simex.exchange import Exchange
from cockpit.simex.rest_account import MARGIN_MODES
from cockpit.simex.rules import entry_of
from cockpit.simex.symbol_market import SymbolMarket

_LIMITS = ("min_qty", "max_qty", "max_market_qty", "min_notional")


class Conditions:
    """The verbs of one exchange; each takes the fields of a control request."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def thin(self, params: dict[str, Any]) -> dict[str, Any]:
        """``market/thin``: takers of ``symbol`` find only the best ``levels`` of the book, ``lots`` on each at most.

        The book that is shown stays as it is: its other levels are pulled in the instant in which somebody wants them.
        Without ``levels`` everything shown can be had again.
        """
        levels = params.get("levels")
        lots = int(params.get("lots", 2**53))
        self._view(params).book.thin = None if levels is None else (int(levels), lots)
        return {}

    def book(self, params: dict[str, Any]) -> dict[str, Any]:
        """``market/book``: levels of ``symbol`` get new sizes: ``bids`` and ``asks`` as [price, quantity], 0 removes.

        They stay until the market says something else about them. Synthetic market only.
        """
        market = self._market(params)
        if market.recorded or market.latest is None:
            raise ValueError("only the book of a synthetic market that has begun can be changed")
        bids, asks = (self._levels(market, params.get(side, [])) for side in ("bids", "asks"))
        last = market.latest
        self._exchange.on_book(
            BookChange(market.symbol, False, bids, asks, market.view.seq, ts_ms=last.ts_ms, cts_ms=last.cts_ms)
        )
        return {}

    def crossed(self, params: dict[str, Any]) -> dict[str, Any]:
        """``market/crossed``: one book of ``symbol`` with bids above asks goes to every subscriber."""
        market = self._market(params)
        for depth in market.depths[1:]:
            name = f"orderbook.{depth}.{market.symbol}"
            shown = market.book_snapshot(depth) if self._exchange.public.is_wanted(name) else None
            if shown is not None:
                frame = msgspec.json.decode(shown)
                frame["data"]["b"], frame["data"]["a"] = frame["data"]["a"], frame["data"]["b"]
                self._exchange.public.publish(name, msgspec.json.encode(frame).decode())
        return {}

    def halt(self, params: dict[str, Any]) -> dict[str, Any]:
        """``market/halt``: ``symbol`` takes no order and fills none; with ``is_halted`` false it trades again."""
        return self.rules(
            {"symbol": params["symbol"], "status": "Closed" if params.get("is_halted", True) else "Trading"}
        )

    def delist(self, params: dict[str, Any]) -> dict[str, Any]:
        """``market/delist``: ``symbol`` goes off the list: positions in it may only be reduced (30228)."""
        self._exchange.desk.matching.delist(str(params["symbol"]), self._exchange.now_ms())
        return {}

    def rules(self, params: dict[str, Any]) -> dict[str, Any]:
        """``market/rules``: new trading rules of ``symbol``, announced and obeyed at once.

        Fields: ``status``, ``min_qty``, ``max_qty``, ``max_market_qty``, ``min_notional``, ``tick_size`` and
        ``qty_step``. The last two must be multiples of the first ones: prices and quantities that are off the new grid
        are refused, while book and positions keep theirs.
        """
        market = self._market(params)
        view, unit = market.view, market.view.instrument
        limits = {name: Decimal(str(params[name])) for name in _LIMITS if name in params}
        changed = msgspec.structs.replace(unit, status=str(params.get("status", unit.status)), **limits)
        tick = Decimal(str(params.get("tick_size", unit.tick_size * view.tick_multiple)))
        step = Decimal(str(params.get("qty_step", unit.qty_step * view.lot_multiple)))
        if tick % unit.tick_size or step % unit.qty_step or not tick or not step:
            raise ValueError("tick_size and qty_step must be multiples of the first ones")
        view.tick_multiple, view.lot_multiple = int(tick / unit.tick_size), int(step / unit.qty_step)
        view.instrument = market.rules.instrument = changed
        market.rules.entry = entry_of(msgspec.structs.replace(changed, tick_size=tick, qty_step=step))
        return {}

    def mode(self, params: dict[str, Any]) -> dict[str, Any]:
        """``account/mode``: somebody switches modes by hand: ``margin_mode``, or ``is_hedged`` for ``symbol``.

        A hedged symbol shows a row a side and refuses index 0; there is still one position, on one of the sides.
        """
        account = self._exchange.desk.account
        if "margin_mode" in params:
            if params["margin_mode"] not in MARGIN_MODES:
                raise ValueError(f"margin_mode is none of {', '.join(MARGIN_MODES)}")
            account.ledger.margin_mode = str(params["margin_mode"])
        if "is_hedged" in params:
            symbol = self._market(params).symbol
            (account.hedged.add if params["is_hedged"] else account.hedged.discard)(symbol)
            account.tell_position(symbol)
        return {}

    def clock(self, params: dict[str, Any]) -> dict[str, Any]:
        """``clock``: the exchange's time is ``shift_s`` off the machine's from now on; the market's stamps are not."""
        self._exchange.clock_shift_ns = int(Decimal(str(params["shift_s"])) * 1_000_000_000)
        return {}

    @staticmethod
    def _levels(market: SymbolMarket, rows: list[list[Any]]) -> list[Level]:
        rules = market.rules
        levels = [(rules.instrument.ticks(Decimal(str(p))), rules.instrument.lots(Decimal(str(q)))) for p, q in rows]
        return [(ticks, lots, rules.price_text(ticks), rules.qty_text(lots) if lots else "0") for ticks, lots in levels]

    def _market(self, params: dict[str, Any]) -> SymbolMarket:
        return self._exchange.markets[str(params["symbol"])]

    def _view(self, params: dict[str, Any]) -> MarketView:
        return self._market(params).view
