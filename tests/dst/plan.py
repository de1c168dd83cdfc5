"""What happens in one schedule, drawn from its seed before it runs: a swarm of fault families, each on or off.

Uniform "everything on" hides bugs; each family is enabled with probability 0.7 and has an intensity of its own. Half of
the kills and partitions are placed close to a signal, where orders are in flight.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from cockpit.domain.enums import OrderPath, Side
from cockpit.domain.time import NS_PER_S

FAMILIES = ("wire", "pushes", "partition", "kill", "disk", "stops", "market", "phone", "reads", "feed")
START_S = 1_767_225_600 + 9 * 3_600
FAMILY_CHANCE = 0.7
SOCKET_CHANCE = 0.25
RULES = (("qty_step", "1"), ("min_qty", "5"), ("min_notional", "100"), ("max_qty", "200"), ("status", "Closed"))
"""Changes of a symbol's trading rules: ticks stay."""

Faults = list[tuple[float, str, dict[str, Any]]]


@dataclass(frozen=True)
class Plan:
    """One schedule."""

    seed: int
    symbols: int
    depth: str
    chaos_s: float
    market_period_s: float
    approves: bool
    signals: dict[str, list[tuple[int, Side]]]
    faults: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    restarts_at_end: bool = False
    is_traced: bool = False
    families: tuple[str, ...] = ()
    approve_after_s: float = 0.0
    """Nobody approves a signal younger than this."""
    keeps_still: bool = False
    """Prices only move where a fault says so, and people only approve."""
    order_path: OrderPath = OrderPath.REST
    """Orders over the trade socket meet its own faults besides those of the wires."""

    screens: int = 0
    """Screens that look on."""
    deliveries: int = 1
    """How often each command of a person is delivered."""

    def calm(self) -> Plan:
        """The plan after healing: nobody approves any more."""
        return replace(self, approves=False)


def draw(
    seed: int,
    *,
    traced: bool = False,
    path: OrderPath | None = None,
    has_venue: bool = True,
    has_frames: bool = True,
) -> Plan:
    """The plan of a seed.

    Args:
        seed: what everything is drawn from.
        traced: keep the trace.
        path: instead of the drawn way of orders.
        has_venue: with the faults of the exchange itself; seeds found before these were drawn go without.
        has_frames: with faults of the frames of the market, likewise.
    """
    plan, moments = _draw(seed, traced)
    if has_frames:
        faults = [*plan.faults, *_frames(Random(seed * 32_452_843 + 9), plan.chaos_s, moments)]
        plan = replace(plan, faults=sorted(faults, key=lambda item: item[0]))
    if has_venue:
        faults = [*plan.faults, *_venue(Random(seed * 15_485_863 + 5), plan.chaos_s, moments)]
        plan = replace(plan, faults=sorted(faults, key=lambda item: item[0]))
    # A source of its own, so that everything else of a seed stays what it was.
    random = Random(seed * 104_729 + 3)
    is_over_socket = random.random() < SOCKET_CHANCE
    if (path or (OrderPath.SOCKET if is_over_socket else OrderPath.REST)) is OrderPath.REST:
        return plan
    faults = sorted([*plan.faults, *_socket(random, plan.chaos_s, moments)], key=lambda item: item[0])
    return replace(plan, order_path=OrderPath.SOCKET, faults=faults)


def _draw(seed: int, traced: bool) -> tuple[Plan, list[float]]:
    """The plan of a seed with orders by REST, and the times of its signals."""
    random = Random(seed)
    symbols = random.choice((1, 1, 2, 3))
    chaos_s = random.choice((20.0, 30.0, 45.0))
    families = tuple(family for family in FAMILIES if random.random() < FAMILY_CHANCE)
    signals: dict[str, list[tuple[int, Side]]] = {}
    moments: list[float] = []
    names = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT")[:symbols]
    for name in names:
        times = sorted(2.0 + random.random() * (chaos_s - 4) for _ in range(random.randint(1, 4)))
        if random.random() < 0.3:
            times.append(times[-1] + 0.05)
        moments += times
        signals[name] = [(round((START_S + t) * NS_PER_S), random.choice((Side.BUY, Side.SELL))) for t in times]
    faults: list[tuple[float, str, dict[str, Any]]] = []
    for family in families:
        faults += _DRAWERS[family](random, chaos_s, moments)
    faults += _money(Random(seed * 6_700_417 + 3), chaos_s, moments)
    if random.random() < 0.35:
        faults.append((_near(random, moments, chaos_s), "flatten", {}))
    plan = Plan(
        seed=seed,
        symbols=symbols,
        depth=random.choice(("100000", "100000", "300")),
        chaos_s=chaos_s,
        market_period_s=random.choice((0.5, 1.0)),
        approves=True,
        signals=signals,
        faults=sorted(faults, key=lambda item: item[0]),
        restarts_at_end=random.random() < 0.2,
        is_traced=traced,
        families=families,
    )
    return plan, moments


def _socket(random: Random, chaos_s: float, moments: list[float]) -> Faults:
    """The trade socket breaks, most often while an order may be on its way."""
    cuts = []
    for _ in range(random.randint(1, 4)):
        at = _near(random, moments, chaos_s)
        cuts.append((at, "cut_socket", {"seconds": random.choice((0.3, 2.0, 8.0, 12.0))}))
    return cuts


def _near(random: Random, moments: list[float], chaos_s: float) -> float:
    """Some time of the chaos: half the time within a second after a signal."""
    if moments and random.random() < 0.5:
        return min(random.choice(moments) + random.random() * 1.5, chaos_s - 0.5)
    return 1.0 + random.random() * (chaos_s - 2)


def _wire(random: Random, chaos_s: float, _moments: list[float]) -> Faults:
    level = random.choice((0.05, 0.2, 0.5))
    settings = {
        "lose_request": random.random() * level,
        "lose_reply": random.random() * level,
        "slow": random.random() * level,
        "refuse": random.random() * level / 2,
    }
    return [(random.random() * chaos_s / 2, "wire", settings)]


def _pushes(random: Random, chaos_s: float, _moments: list[float]) -> Faults:
    level = random.choice((0.05, 0.3))
    settings = {
        "drop_push": random.random() * level,
        "duplicate_push": random.random() * level,
        "reorder_push": random.random() * level,
        "slow_push": random.random() * level,
    }
    return [(random.random() * chaos_s / 2, "wire", settings)]


def _partition(random: Random, chaos_s: float, moments: list[float]) -> Faults:
    return [
        (_near(random, moments, chaos_s), "partition", {"seconds": random.choice((0.5, 3.0, 12.0))})
        for _ in range(random.randint(1, 2))
    ]


def _kill(random: Random, chaos_s: float, moments: list[float]) -> Faults:
    return [
        (_near(random, moments, chaos_s), "kill", {"restart_after_s": random.choice((0.3, 2.0, 6.0))})
        for _ in range(random.randint(1, 2))
    ]


def _disk(random: Random, chaos_s: float, moments: list[float]) -> Faults:
    return [(_near(random, moments, chaos_s), "disk", {"seconds": 0.5 + random.random() * 5})]


def _stops(random: Random, chaos_s: float, moments: list[float]) -> Faults:
    if random.random() < 0.5:
        return [(random.random() * chaos_s / 2, "ignore_stop", {"seconds": random.random() * chaos_s})]
    return [(_near(random, moments, chaos_s), "remove_stop", {}) for _ in range(random.randint(1, 4))]


def _market(random: Random, chaos_s: float, moments: list[float]) -> Faults:
    name = random.choice(("gap", "thin", "halt"))
    at = _near(random, moments, chaos_s)
    match name:
        case "thin":
            return [(at, "thin", {"depth": random.choice(("1", "20")), "seconds": 3 + random.random() * 8})]
        case "halt":
            return [(at, "halt", {"seconds": 2 + random.random() * 6})]
        case _:
            return [(_near(random, moments, chaos_s), "gap", {}) for _ in range(random.randint(1, 3))]


def _phone(random: Random, chaos_s: float, moments: list[float]) -> Faults:
    name = random.choice(("phone_close", "phone_open", "liquidate", "adl"))
    return [(_near(random, moments, chaos_s), name, {})]


def _reads(random: Random, chaos_s: float, _moments: list[float]) -> Faults:
    return [(random.random() * chaos_s / 2, "wire", {"stale_read_s": random.choice((1.0, 5.0, 10.0))})]


def _feed(random: Random, chaos_s: float, moments: list[float]) -> Faults:
    return [(_near(random, moments, chaos_s), "silence", {"seconds": 2 + random.random() * 10})]


def _money(random: Random, chaos_s: float, moments: list[float]) -> Faults:
    """A family with fortune of its own, so that older seeds keep their schedules."""
    if random.random() > FAMILY_CHANCE:
        return []
    drawn: Faults = [
        (_near(random, moments, chaos_s), "funding", {"rate": random.choice(("0.0001", "-0.0003"))}),
        (_near(random, moments, chaos_s), "flow", {"kind": "TRANSFER_IN", "amount": "1000"}),
        (_near(random, moments, chaos_s), "flow", {"kind": "TRANSFER_OUT", "amount": "-1000"}),
        (_near(random, moments, chaos_s), "flow", {"kind": "INTEREST", "amount": "-0.001", "currency": "BTC"}),
        (_near(random, moments, chaos_s), "fee_coin", {"price": "0.8", "seconds": 2 + random.random() * 8}),
    ]
    return [fault for fault in drawn if random.random() < 0.5]


def _venue(random: Random, chaos_s: float, moments: list[float]) -> Faults:
    """What the exchange itself changes: its rules, how soon it matches, a host of it that is gone."""
    field, value = random.choice(RULES)
    seconds = random.choice((3.0, 8.0, 20.0))
    drawn: Faults = [
        (_near(random, moments, chaos_s), "rules", {"symbol": random.randint(0, 4), "field": field, "value": value}),
        (_near(random, moments, chaos_s), "slow_match", {"most": random.choice((0.1, 0.6)), "seconds": seconds}),
        (_near(random, moments, chaos_s), "main_host", {"seconds": seconds}),
    ]
    chances = (0.3, 0.3, 0.15)
    return [fault for fault, chance in zip(drawn, chances, strict=True) if random.random() < chance]


def _frames(random: Random, chaos_s: float, moments: list[float]) -> Faults:
    """What is wrong with the frames of a symbol: one lost, bid above ask, a mark price far off."""
    symbol, seconds = random.randint(0, 4), 1 + random.random() * 8
    off = random.choice(("0.013", "-0.013"))
    drawn: Faults = [
        (_near(random, moments, chaos_s), "lose_frame", {"symbol": symbol, "seconds": seconds / 2}),
        (_near(random, moments, chaos_s), "cross_book", {"symbol": symbol, "seconds": seconds}),
        (_near(random, moments, chaos_s), "mark_off", {"symbol": symbol, "share": off, "seconds": seconds}),
    ]
    chances = (0.4, 0.2, 0.1)
    return [fault for fault, chance in zip(drawn, chances, strict=True) if random.random() < chance]


_DRAWERS = {
    "wire": _wire,
    "pushes": _pushes,
    "partition": _partition,
    "kill": _kill,
    "disk": _disk,
    "stops": _stops,
    "market": _market,
    "phone": _phone,
    "reads": _reads,
    "feed": _feed,
}
