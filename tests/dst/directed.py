"""Schedules written by hand: coincidences that a random seed meets once in thousands, for each rule that needs one.

They pass with every rule on and are part of the corpus; the mutation gate runs them first.
"""

from __future__ import annotations

from typing import Any

from cockpit.domain.enums import OrderPath, Side
from cockpit.domain.time import NS_PER_S
from tests.dst.plan import START_S, Plan

BTC, ETH, SOL = "BTCUSDT", "ETHUSDT", "SOLUSDT"
_ALL = (BTC, ETH, SOL)
_SEED = 1_000_000_000


def _plan(
    number: int,
    signals: list[tuple[float, str, Side]],
    faults: list[tuple[float, str, dict[str, Any]]],
    *,
    chaos_s: float = 40.0,
    approve_after_s: float = 0.0,
    depth: str = "100000",
    order_path: OrderPath = OrderPath.REST,
) -> Plan:
    by_symbol: dict[str, list[tuple[int, Side]]] = {BTC: [], ETH: [], SOL: []}
    for at_s, symbol, side in signals:
        by_symbol[symbol].append((round((START_S + at_s) * NS_PER_S), side))
    return Plan(
        seed=_SEED + number,
        symbols=3,
        depth=depth,
        chaos_s=chaos_s,
        market_period_s=0.5,
        approves=True,
        signals=by_symbol,
        faults=faults,
        approve_after_s=approve_after_s,
        keeps_still=True,
        order_path=order_path,
    )


def _refused_entries() -> list[tuple[float, str, Side]]:
    """Signals of three symbols, one after the other, and two at once now and then."""
    sides = (Side.BUY, Side.SELL)
    every = [(3.0 + 2.5 * step + lag, name, sides[step % 2]) for step in range(12) for lag, name in enumerate(_ALL)]
    return sorted([*every, (4.4, ETH, Side.BUY), (14.4, ETH, Side.BUY), (24.4, ETH, Side.BUY)])


def _cut(at_s: float) -> tuple[float, str, dict[str, Any]]:
    return at_s, "cut_socket", {"seconds": 0.1}


def _late_executions(number: int, jump_s: float) -> Plan:
    """Every push comes up to 3 s late and in any order; the target is reached before the entry has been told."""
    pushes = [(2.5, "wire", {"slow_push": 1.0}), (12.0, "wire", {"slow_push": 0.0})]
    return _plan(number, [(3.0, BTC, Side.BUY)], [*pushes, (jump_s, "jump", {"symbol": BTC, "percent": "0.7"})])


DIRECTED = {
    "an answer is lost while other signals wait": _plan(
        1,
        [(3.0, BTC, Side.BUY), (8.0, ETH, Side.BUY), (10.0, SOL, Side.SELL)],
        [(2.0, "wire", {"lose_reply": 1.0, "drop_push": 1.0})],
    ),
    "an answer and every push are lost, the same symbol signals again": _plan(
        2,
        [(3.0, BTC, Side.BUY), (7.5, BTC, Side.BUY), (9.0, BTC, Side.BUY)],
        [(2.0, "wire", {"drop_push": 1.0}), (2.9, "lose_order_replies", {"seconds": 12.0})],
    ),
    "an entry reaches the exchange long after it was judged dead": _plan(
        30, [(3.0, BTC, Side.BUY)], [(2.5, "slow_route", {"route": "create", "delay": 14.0, "seconds": 4.0})]
    ),
    "a frame is lost, and no snapshot comes, when a signal is approved": _plan(
        31, [(4.0, BTC, Side.BUY)], [(4.7, "lose_frame", {"symbol": 0, "seconds": 3.0})], approve_after_s=1.2
    ),
    "the mark price is far off when a signal is approved": _plan(
        32, [(5.0, BTC, Side.BUY)], [(4.0, "mark_off", {"symbol": 0, "share": "0.02", "seconds": 8.0})]
    ),
    "an entry waits to be matched when its symbol signals the other way": _plan(
        33, [(3.0, BTC, Side.BUY), (3.6, BTC, Side.SELL)], [(2.0, "slow_match", {"most": 2.0, "seconds": 8.0})]
    ),
    "a signal is approved long after its feed went silent": _plan(
        3, [(3.0, BTC, Side.BUY)], [(3.8, "silence_one", {"symbol": BTC, "seconds": 25.0})], approve_after_s=6.0
    ),
    "a crash of the price takes the day's loss limit, then a signal comes": _plan(
        4,
        [(3.0, BTC, Side.BUY), (34.0, ETH, Side.BUY)],
        [(6.0, "jump", {"symbol": BTC, "percent": "-3"})],
        chaos_s=44.0,
    ),
    "a flatten meets a book that fills a part at a time": _plan(
        5, [(3.0, BTC, Side.BUY)], [(8.0, "thin", {"depth": "120", "seconds": 30.0}), (8.5, "flatten", {})]
    ),
    "an entry is known to have filled, its executions are not, and the engine dies": _plan(
        6,
        [(3.0, BTC, Side.BUY)],
        [
            (2.8, "lose_order_replies", {"seconds": 12.0}),
            (2.8, "mute_executions", {"seconds": 12.0}),
            (8.0, "kill", {"restart_after_s": 8.0}),
            (9.0, "remove_stop", {}),
        ],
        chaos_s=18.0,
    ),
    "somebody trades, the exchange tells of the money alone, then a signal comes": _plan(
        7, [(44.0, BTC, Side.BUY)], [(6.0, "unseen_trade", {"symbol": ETH})], chaos_s=50.0
    ),
    "money comes and goes while a position pays funding and fees in another coin": _plan(
        8,
        [(3.0, BTC, Side.BUY), (30.0, ETH, Side.BUY)],
        [
            (4.0, "fee_coin", {"price": "0.8", "seconds": 60.0}),
            (5.0, "funding", {"rate": "0.0001"}),
            (6.0, "flow", {"kind": "TRANSFER_OUT", "amount": "-40000"}),
            (7.0, "funding", {"rate": "-0.0002"}),
            (9.0, "flow", {"kind": "TRANSFER_IN", "amount": "1000"}),
            (12.0, "phone_close", {}),
        ],
    ),
    "a signal comes while the trade socket is gone": _plan(
        9, [(3.0, BTC, Side.BUY)], [(2.0, "cut_socket", {"seconds": 12.0})], order_path=OrderPath.SOCKET
    ),
    "the trade socket breaks with an order on its way": _plan(
        10,
        [(3.0, BTC, Side.BUY), (9.0, ETH, Side.SELL)],
        [(2.0, "wire", {"lose_reply": 1.0, "drop_push": 1.0}), *(_cut(3.0 + step / 5) for step in range(20))],
        order_path=OrderPath.SOCKET,
    ),
    "the exchange is under maintenance for 15 minutes with a position open": _plan(
        9, [(3.0, BTC, Side.BUY), (60.0, ETH, Side.SELL)], [(8.0, "maintenance", {"seconds": 900.0})], chaos_s=940.0
    ),
    "a stop goes while no engine runs, and signals come the moment the next one is up": _plan(
        11,
        [(3.0, BTC, Side.BUY), (30.6, ETH, Side.BUY), (31.2, SOL, Side.SELL), (31.8, ETH, Side.SELL)],
        [
            (8.0, "kill", {"restart_after_s": 22.0}),
            (9.0, "remove_stop", {}),
            (29.0, "lose_stop_requests", {"seconds": 4.0}),
        ],
        chaos_s=36.0,
    ),
    "reads of the account stay away while the streams go on, and a signal comes": _plan(
        10, [(36.0, ETH, Side.BUY)], [(2.0, "lose_order_replies", {"seconds": 42.0})], chaos_s=44.0
    ),
    "a flatten cannot fill anything yet when the engine dies": _plan(
        11,
        [(3.0, BTC, Side.BUY)],
        [
            (8.0, "halt", {"symbol": BTC, "seconds": 16.0}),
            (8.5, "flatten", {}),
            (11.0, "kill", {"restart_after_s": 2.0}),
        ],
    ),
    "the engine dies while a position without a stop cannot be closed": _plan(
        41,
        [(3.0, BTC, Side.BUY)],
        [
            (7.0, "thin", {"depth": "1", "seconds": 20.0}),
            (7.9, "lose_stop_requests", {"seconds": 16.0}),
            (8.0, "remove_stop", {}),
            (16.0, "kill", {"restart_after_s": 2.0}),
        ],
    ),
    "somebody takes the stop away again and again": _plan(
        12, [(3.0, BTC, Side.BUY)], [(8.0 + 4.0 * step, "remove_stop", {}) for step in range(6)]
    ),
    "the stop is taken away while the book takes no close": _plan(
        34, [(3.0, BTC, Side.BUY)], [(7.0, "thin", {"depth": "1", "seconds": 30.0}), (8.0, "remove_stop", {})]
    ),
    "the stop is taken away and no push tells of it": _plan(
        13,
        [(3.0, BTC, Side.BUY)],
        [
            (42.0, "wire", {"drop_push": 1.0}),
            *((42.5 + 7.5 * step, "remove_stop", {}) for step in range(2)),
            (58.0, "wire", {"drop_push": 0.0}),
        ],
    ),
    "the exchange refuses one entry after the other": _plan(
        14, _refused_entries(), [(2.0, "halt", {"symbol": name, "seconds": 38.0}) for name in _ALL]
    ),
    "the engine dies with a better stop on its way, and the old one is taken away": _plan(
        15,
        [(3.0, BTC, Side.BUY)],
        [
            (7.9, "slow_route", {"route": "set_stop", "delay": 2.2, "seconds": 1.1}),
            (8.0, "jump", {"symbol": BTC, "percent": "0.55"}),
            (8.9, "kill", {"restart_after_s": 0.2}),
            (9.0, "remove_stop", {}),
            (9.05, "slow_route", {"route": "set_stop", "delay": 1.2, "seconds": 4.0}),
        ],
    ),
    "a stop is on its way when its position is closed by hand, and the next signal comes": _plan(
        16,
        [(3.0, BTC, Side.BUY), (8.6, BTC, Side.BUY)],
        [
            (7.9, "slow_route", {"route": "set_stop", "delay": 2.6, "seconds": 1.1}),
            (8.0, "jump", {"symbol": BTC, "percent": "0.55"}),
            (8.7, "phone_close", {}),
        ],
    ),
    "a better stop of the earlier engine is on its way when the old one is taken away": _plan(
        17,
        [(3.0, BTC, Side.BUY)],
        [
            (7.9, "slow_route", {"route": "set_stop", "delay": 2.6, "seconds": 5.0}),
            (8.0, "jump", {"symbol": BTC, "percent": "0.55"}),
            (8.2, "kill", {"restart_after_s": 0.1}),
            (8.6, "adl", {}),
            (8.8, "remove_stop", {}),
        ],
    ),
    "the main host is gone when everything is to be closed": _plan(
        18,
        [(3.0, BTC, Side.BUY), (3.0, ETH, Side.SELL)],
        [(8.0, "main_host", {"seconds": 60.0}), (8.5, "flatten", {}), (28.9, "expect_flat", {})],
        chaos_s=70.0,
    ),
    "somebody sets another leverage, then a signal comes": _plan(
        19, [(14.0, BTC, Side.BUY)], [(13.5, "phone_leverage", {"symbol": BTC, "leverage": "4"})]
    ),
    "the stop that came with an entry is not there, and no request for one arrives": _plan(
        20,
        [(3.0, BTC, Side.BUY)],
        [(2.0, "ignore_stop", {"seconds": 10.0}), (2.0, "lose_stop_requests", {"seconds": 36.0})],
    ),
    "the stop is taken away, and no request for one arrives": _plan(
        21, [(3.0, BTC, Side.SELL)], [(7.9, "lose_stop_requests", {"seconds": 30.0}), (8.0, "remove_stop", {})]
    ),
    "the address is banned with a position open, and it is to be closed all the same": _plan(
        22,
        [(3.0, BTC, Side.BUY)],
        [(8.0, "ban", {"seconds": 60.0}), (20.0, "flatten", {}), (95.0, "expect_flat", {})],
        chaos_s=700.0,
    ),
    "executions of entry and close come in any order, the last of the entry at the end": _late_executions(26, 5.5),
    "executions of entry and close come in any order, one of the close at the end": _late_executions(54, 4.6),
    "a position by hand is closed before anybody tells of its opening": _plan(
        40,
        [],
        [
            (2.5, "wire", {"slow_push": 1.0}),
            (5.3, "phone_open", {}),
            *((5.35, "jump", {"symbol": name, "percent": "0.5"}) for name in _ALL),
            (5.4, "phone_close", {}),
            (14.0, "wire", {"slow_push": 0.0}),
        ],
    ),
    "a half was closed, nobody knows with what outcome, and the stop cannot be put back": _plan(
        23,
        [(3.0, BTC, Side.BUY)],
        [
            (7.6, "close_part", {"symbol": BTC, "seconds": 30.0}),
            (8.4, "lose_stop_requests", {"seconds": 30.0}),
            (8.5, "remove_stop", {}),
        ],
    ),
    "reads show the stop of before, and the better one is taken away": _plan(
        24,
        [(3.0, BTC, Side.BUY)],
        [
            (2.0, "wire", {"stale_read_s": 10.0}),
            (8.0, "jump", {"symbol": BTC, "percent": "0.55"}),
            (12.4, "remove_stop", {}),
        ],
    ),
}
"""Name of the situation and its schedule."""
