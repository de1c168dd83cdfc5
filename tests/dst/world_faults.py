"""What can go wrong in a schedule, one function a fault; a plan names them and their arguments."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import msgspec

from cockpit.domain.commands import ArmFlatten, ClosePosition, FlattenAll
from cockpit.domain.instrument import Instrument
from tests.dst.actors import quantity
from tests.dst.exchange import Rules

if TYPE_CHECKING:
    from tests.dst.schedule import World


class WorldFaults:
    """The faults of one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def wire(self, **settings: float) -> None:
        for name, value in settings.items():
            setattr(self.world.network.faults, name, value)

    def partition(self, seconds: float) -> None:
        self.world.network.partition(seconds)

    def maintenance(self, seconds: float) -> None:
        self.world.network.maintain(seconds)

    def cut_socket(self, seconds: float) -> None:
        self.world.network.cut_socket(seconds)

    def kill(self, restart_after_s: float) -> None:
        self.world.kill_engine(restart_after_s)

    def disk(self, seconds: float) -> None:
        self.world.disk.is_failing = True
        self.world.loop.call_later(seconds, setattr, self.world.disk, "is_failing", False)

    def ignore_stop(self, seconds: float) -> None:
        self.world.exchange.ignores_attached_stop = True
        self.world.loop.call_later(seconds, setattr, self.world.exchange, "ignores_attached_stop", False)

    def remove_stop(self) -> None:
        for symbol in self.world.instruments:
            self.world.exchange.remove_stop_by_hand(symbol)

    def thin(self, depth: str, seconds: float) -> None:
        for market in self.world.exchange.markets.values():
            market.depth = Decimal(depth)
            self.world.loop.call_later(seconds, setattr, market, "depth", Decimal(self.world.plan.depth))

    def halt(self, seconds: float, symbol: str = "") -> None:
        market = self.world.exchange.markets[symbol or self.world.random.choice(sorted(self.world.instruments))]
        market.is_halted = True
        self.world.loop.call_later(seconds, setattr, market, "is_halted", False)

    def gap(self) -> None:
        symbol = self.world.random.choice(sorted(self.world.instruments))
        market = self.world.exchange.markets[symbol]
        self.world.exchange.move(
            symbol, max(market.price + self.world.random.choice((-1, 1)) * Decimal(1), Decimal(10))
        )

    def phone_close(self) -> None:
        for symbol, position in self.world.exchange.positions.items():
            if position.qty != 0:
                self.world.exchange.close_by("CreateByClosing", symbol, abs(position.qty), "")

    def phone_open(self) -> None:
        symbol = self.world.random.choice(sorted(self.world.instruments))
        if self.world.exchange.positions[symbol].qty == 0 and self.world.oracle.flatten_s is None:
            side = self.world.random.choice(("Buy", "Sell"))
            self.world.exchange.open_by_hand(symbol, side, quantity(self.world.instruments[symbol], self.world.random))

    def liquidate(self) -> None:
        for symbol, position in self.world.exchange.positions.items():
            if position.qty != 0:
                self.world.exchange.close_by("CreateByLiq", symbol, abs(position.qty), "")

    def adl(self) -> None:
        for symbol, position in self.world.exchange.positions.items():
            if position.qty != 0:
                part = (abs(position.qty) * Decimal("0.4")).quantize(self.world.instruments[symbol].qty_step)
                self.world.exchange.close_by("CreateByAdl_PassThrough", symbol, part, "")

    def silence_one(self, symbol: str, seconds: float) -> None:
        self.world.market.silent.add(symbol)
        self.world.loop.call_later(seconds, self.world.market.silent.discard, symbol)

    def rules(self, symbol: int, field: str, value: str) -> None:
        """The exchange changes a rule of a symbol; nobody is told."""
        name = self._named(symbol)
        told = value if field == "status" else Decimal(value)
        self.world.instruments[name] = msgspec.structs.replace(self.world.instruments[name], **{field: told})
        self.world.exchange.rules[name] = rules_of(self.world.instruments[name])
        self.world.oracle.rules_changed_s[name] = self.world.loop.time()

    def slow_match(self, most: float, seconds: float) -> None:
        """Orders are taken first and matched later: what arrives in between meets them unmatched."""
        random = Random(self.world.plan.seed * 13 + 5)
        self.world.exchange.defer = lambda match: self.world.loop.call_later(random.random() * most, match) and None
        self.world.loop.call_later(seconds, setattr, self.world.exchange, "defer", None)

    def main_host(self, seconds: float) -> None:
        self.world.network.faults.is_main_dead = True
        self.world.loop.call_later(seconds, setattr, self.world.network.faults, "is_main_dead", False)

    def ban(self, seconds: float) -> None:
        self.world.network.faults.is_banned = True
        self.world.loop.call_later(seconds, setattr, self.world.network.faults, "is_banned", False)

    def expect_flat(self) -> None:
        self.world.oracle.check_flat("flatten before healing")

    def phone_leverage(self, symbol: str, leverage: str) -> None:
        self.world.exchange.set_leverage(symbol, Decimal(leverage))

    def jump(self, symbol: str, percent: str) -> None:
        price = self.world.exchange.markets[symbol].price * (1 + Decimal(percent) / 100)
        self.world.exchange.move(symbol, price.quantize(self.world.instruments[symbol].tick_size))

    def lose_order_replies(self, seconds: float) -> None:
        self.world.network.mute_routes = {"create", "query", "position", "reports"}
        self.world.loop.call_later(seconds, self.world.network.mute_routes.clear)

    def lose_stop_requests(self, seconds: float) -> None:
        self.world.network.faults.lost_route = "set_stop"
        self.world.loop.call_later(seconds, setattr, self.world.network.faults, "lost_route", "")

    def slow_route(self, route: str, delay: float, seconds: float) -> None:
        self.world.network.slow_routes[route] = delay
        self.world.loop.call_later(seconds, self.world.network.slow_routes.pop, route, None)

    def close_part(self, symbol: str, seconds: float) -> None:
        """The operator closes a half: neither answer nor pushes of it arrive, and for some time no look at an order."""
        network = self.world.network
        network.mute_routes = {"create", "query"}
        network.faults.drop_push = 1.0
        self.world.command(ClosePosition(symbol, 50))
        self.world.loop.call_later(0.6, setattr, network.faults, "drop_push", 0.0)
        self.world.loop.call_later(seconds, network.mute_routes.clear)

    def mute_executions(self, seconds: float) -> None:
        self.world.network.hides_executions = True
        self.world.loop.call_later(seconds, setattr, self.world.network, "hides_executions", False)

    def funding(self, rate: str) -> None:
        for symbol in self.world.instruments:
            self.world.exchange.settle_funding(symbol, Decimal(rate))

    def fee_coin(self, price: str, seconds: float) -> None:
        self.world.exchange.fee_coin, self.world.exchange.fee_coin_price = "MNT", Decimal(price)
        self.world.loop.call_later(seconds, setattr, self.world.exchange, "fee_coin", "USDT")
        self.world.loop.call_later(seconds, setattr, self.world.exchange, "fee_coin_price", Decimal(1))

    def flow(self, kind: str, amount: str, currency: str = "USDT") -> None:
        category = "spot" if kind == "TRADE" else ""
        self.world.exchange.book(kind, cash_flow=Decimal(amount), currency=currency, category=category)

    def unseen_trade(self, symbol: str) -> None:
        """Somebody opens and closes a position of which the exchange tells nothing but the money."""
        self.world.network.unseen.add(symbol)
        known = len(self.world.exchange.executions)
        self.world.exchange.open_by_hand(symbol, "Buy", Decimal(1))
        self.world.exchange.close_by("CreateByClosing", symbol, Decimal(1), "")
        self.world.exchange.hidden |= {e.exec_id for e in self.world.exchange.executions[known:]}
        self.world.network.unseen.discard(symbol)
        self.world.oracle.unexplained_s = self.world.loop.time()

    def silence(self, seconds: float) -> None:
        symbol = self.world.random.choice(sorted(self.world.instruments))
        self.world.market.silent.add(symbol)
        self.world.loop.call_later(seconds, self.world.market.silent.discard, symbol)

    def lose_frame(self, symbol: int, seconds: float) -> None:
        self.world.market.lose_frame(self._named(symbol), seconds)

    def cross_book(self, symbol: int, seconds: float) -> None:
        name = self._named(symbol)
        self.world.market.crossed.add(name)
        self.world.loop.call_later(seconds, self.world.market.crossed.discard, name)

    def mark_off(self, symbol: int, share: str, seconds: float) -> None:
        market = self.world.exchange.markets[self._named(symbol)]
        market.mark_off = Decimal(share)
        self.world.loop.call_later(seconds, setattr, market, "mark_off", Decimal(0))

    def _named(self, number: int) -> str:
        names = sorted(self.world.instruments)
        return names[number % len(names)]

    def flatten(self) -> None:
        self.world.command(ArmFlatten())
        self.world.loop.call_later(0.4, self.world.command, FlattenAll())


def rules_of(rules: Instrument) -> Rules:
    """The exchange model's rules of a symbol."""
    return Rules(
        rules.symbol,
        rules.tick_size,
        rules.qty_step,
        rules.min_qty,
        rules.max_qty,
        rules.min_notional,
        rules.status,
    )
