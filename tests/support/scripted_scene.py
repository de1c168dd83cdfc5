"""A market, a queue and an account that move by themselves, as views. Deterministic: one seed, one story."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import msgspec

from cockpit.domain import commands
from cockpit.views import model as m

START_MS = 1_790_000_000_000


@dataclass
class Market:
    symbol: str
    tick_size: str
    decimals: int
    mid: int
    unit: float
    full: float
    random: random.Random
    bids: dict[int, float] = field(default_factory=dict)
    asks: dict[int, float] = field(default_factory=dict)
    walls: dict[int, list[float]] = field(default_factory=dict)
    traded: dict[int, list[float]] = field(default_factory=dict)
    tape: list[m.TapeRow] = field(default_factory=list)
    tpm: list[float] = field(default_factory=lambda: [0.0])
    delta: list[float] = field(default_factory=lambda: [0.0])
    drift: float = 0.0
    state: str = "VALID"
    age_ms: int = 20
    step_ticks: int = 1

    def price(self, ticks: int) -> str:
        value = ticks * float(self.tick_size)
        return f"{value:.{self.decimals}f}"

    def size(self) -> float:
        return round(self.unit * self.random.lognormvariate(0.0, 1.1), 3)


def make_market(symbol: str, tick: str, decimals: int, mid: int, unit: float, seed: int, step: int) -> Market:
    market = Market(symbol, tick, decimals, mid, unit, unit * 40, random.Random(seed), step_ticks=step)
    for level in range(1, 220):
        for offset in range(0, step, max(1, step // 3)):
            market.bids[mid - (level - 1) * step - offset] = market.size()
            market.asks[mid + 1 + (level - 1) * step + offset] = market.size()
    for side, offset, times in ((1, 2, 12), (1, 8, 41), (1, 16, 15), (-1, 4, 24), (-1, 15, 8), (-1, 37, 12)):
        ticks = mid + side * offset * step
        market.walls[ticks] = [unit * times, unit * times, 0.0, 0.0, float(market.random.randrange(20, 900))]
        (market.asks if side > 0 else market.bids)[ticks] = unit * times
    return market


SPECS = (
    ("BTCUSDT", "0.10", 1, 674_285, 1.9, 10),
    ("ETHUSDT", "0.01", 2, 351_105, 9.0, 10),
    ("SOLUSDT", "0.01", 2, 15_120, 120.0, 1),
    ("DOGEUSDT", "0.00001", 5, 12_520, 60_000.0, 5),
)


class Scene:
    """Call ``step`` ten times a second; ``views`` gives everything as it stands."""

    def __init__(self, symbols: int = 4, seed: int = 7, environment: str = "SIM") -> None:
        self.environment = environment
        self.random = random.Random(seed)
        self.markets = {
            spec[0]: make_market(*spec[:5], seed + index, spec[5]) for index, spec in enumerate(SPECS[:symbols])
        }
        self.ms = 0
        self.signals: list[m.SignalRow] = []
        self.ended: list[str] = []
        self.positions: dict[str, dict[str, float]] = {}
        self.entries = "ENABLED"
        self.closed_gates: list[m.GateView] = []
        self.approval = "manual"
        self.flatten = m.FlattenView()
        self.flatten_started = 0
        self.log: list[m.LogLine] = []
        self.orders: list[m.OrderRow] = []
        self.counter = 0
        for _ in range(60):
            self._move()
        self.say("info", "", "engine started, 4 streams up")
        self._new_signal("BTCUSDT", "BRK", "L", 26_000)
        self._new_signal("BTCUSDT", "BNC", "S", 18_000)
        self._new_signal("SOLUSDT", "BRK", "S", 9_000)
        self.open("ETHUSDT", long=False, qty=0.5)

    # story

    def say(self, severity: str, symbol: str, text: str) -> None:
        self.log.insert(0, m.LogLine(len(self.log), self._time(), severity, symbol, text))

    def _time(self) -> str:
        seconds = (START_MS + self.ms) // 1000 % 86_400
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"

    def step(self, ms: int = 100) -> None:
        self.ms += ms
        self._move()
        self.signals = [
            msgspec.structs.replace(row, remaining_ms=row.remaining_ms - ms)
            for row in self.signals
            if row.remaining_ms > ms or self._expire(row)
        ]
        if len(self.signals) < 3 and self.random.random() < 0.03:
            symbol = self.random.choice(list(self.markets))
            self._new_signal(symbol, self.random.choice(["BRK", "BNC"]), self.random.choice("LS"), 30_000)
        if self.random.random() < 0.02:
            self.say("info", "BTCUSDT", "wall A 67 436 pulled 30% (no trades), not counted as eaten")
        self._flatten_step()

    def _expire(self, row: m.SignalRow) -> bool:
        self.ended.insert(0, f"{row.code} {row.direction} {row.symbol} expired")
        return False

    def _move(self) -> None:
        for market in self.markets.values():
            rnd = market.random
            market.drift = market.drift * 0.95 + rnd.gauss(0, 0.2)
            shift = round(market.drift * market.step_ticks * 0.4)
            if shift:
                self._shift(market, shift)
            for _ in range(6):
                side = market.bids if rnd.random() < 0.5 else market.asks
                level = min(int(rnd.expovariate(0.12)), 60)
                ticks = (
                    market.mid - level * market.step_ticks
                    if side is market.bids
                    else market.mid + 1 + level * market.step_ticks
                )
                if ticks not in market.walls:
                    side[ticks] = market.size()
            self._trade(market)

    def _shift(self, market: Market, shift: int) -> None:
        market.mid += shift
        for ticks in [t for t in market.asks if t <= market.mid]:
            market.asks.pop(ticks)
            market.walls.pop(ticks, None)
            market.bids.setdefault(ticks, market.size())
        for ticks in [t for t in market.bids if t > market.mid]:
            market.bids.pop(ticks)
            market.walls.pop(ticks, None)
            market.asks.setdefault(ticks, market.size())
        market.bids.setdefault(market.mid, market.size())
        market.asks.setdefault(market.mid + 1, market.size())

    def _trade(self, market: Market) -> None:
        rnd = market.random
        count = rnd.choice((0, 0, 1, 1, 2))
        net = 0.0
        for _ in range(count):
            is_buy = rnd.random() < 0.5 + 0.1 * (market.drift > 0) - 0.1 * (market.drift < 0)
            size = market.size() * 0.6
            ticks = market.mid + 1 if is_buy else market.mid
            pair = market.traded.setdefault(ticks, [0.0, 0.0])
            pair[0 if is_buy else 1] += size
            net += size if is_buy else -size
            is_large = size > market.unit * 3
            market.tape.insert(0, m.TapeRow(self._time()[3:], market.price(ticks), f"{size:.3g}", is_buy, is_large))
        del market.tape[60:]
        if len(market.traded) > 40:
            market.traded.pop(next(iter(market.traded)))
        if self.ms % 1000 == 0:
            market.tpm = [*market.tpm[-119:], 300 + 120 * rnd.random() + 40 * market.drift]
            market.delta = [*market.delta[-119:], market.delta[-1] * 0.9 + net]
        for wall in market.walls.values():
            wall[4] += 0.1
        for ticks, wall in market.walls.items():
            if abs(ticks - market.mid) < 4 * market.step_ticks and rnd.random() < 0.1:
                wall[0] *= 0.97
                wall[2] += 3
                (market.asks if ticks > market.mid else market.bids)[ticks] = wall[0]

    # account

    def _new_signal(self, symbol: str, code: str, direction: str, ttl: int) -> None:
        if symbol not in self.markets:
            return
        market = self.markets[symbol]
        self.counter += 1
        sign = 1 if direction == "L" else -1
        wall = market.price(market.mid + sign * 2 * market.step_ticks)
        gates = [
            m.GateView("wall size", "9.7x", ">= 5.0x", "ok"),
            m.GateView("eaten", "81 %", ">= 30 %", "ok", 40),
            m.GateView("tpm ratio", "1.3x", ">= 1.0x", "ok"),
            m.GateView("momentum", "0.21", ">= 0.15", "ok"),
            m.GateView("spread", "0.15bp", "<= 3 bp", "ok"),
            m.GateView("book age", "38 ms", "<= 1 s", "ok"),
            m.GateView("trend 4h", "", "with", "no data"),
            m.GateView("cooldown", "off", "30 s", "off"),
        ]
        ticket = m.TicketView(
            side="Buy" if sign > 0 else "Sell",
            qty="0.040",
            entry=market.price(market.mid + sign * 3 * market.step_ticks),
            stop=market.price(market.mid - sign * 51 * market.step_ticks),
            take_profit=market.price(market.mid + sign * 27 * market.step_ticks),
            risk_money="25.00",
            risk_percent="0.10%",
            notional="2697",
            reward_r="2.1R",
            fees="1.9",
            slippage="0.4",
        )
        row = m.SignalRow(
            signal_id=f"s{self.counter}",
            content_hash=f"h{self.counter}",
            code=code,
            direction=direction,
            symbol=symbol,
            price=wall,
            priority="p2.0" if code == "BRK" else "p1.0",
            headline="eat 81% = trades 76 + pulled 5",
            gates=gates,
            ticket=ticket,
            remaining_ms=ttl,
            ttl_ms=30_000,
            shown_since_ms=START_MS + self.ms,
            state="live",
        )
        self.signals.append(row)
        self.signals.sort(key=lambda card: card.priority, reverse=True)

    def open(self, symbol: str, *, long: bool, qty: float) -> None:
        market = self.markets.get(symbol)
        if market is None:
            return
        self.positions[symbol] = {
            "entry": market.mid,
            "long": long,
            "qty": qty,
            "since": self.ms,
            "closing": 0,
            "be": 0,
        }

    def command(self, command: commands.Command) -> tuple[bool, str]:
        match command:
            case commands.ApproveSignal(signal_id):
                row = next((card for card in self.signals if card.signal_id == signal_id), None)
                if row is None:
                    return False, "the signal has ended"
                self.signals.remove(row)
                self.open(row.symbol, long=row.direction == "L", qty=0.04)
                self.say("money", row.symbol, f"fill {row.ticket.side.upper()} {row.ticket.qty} @{row.ticket.entry}")
            case commands.RejectSignal(signal_id):
                self.signals = [card for card in self.signals if card.signal_id != signal_id]
                self.ended.insert(0, f"{signal_id} rejected")
            case commands.ClosePosition(symbol):
                self.positions[symbol]["closing"] = self.ms + 1
            case commands.MoveStopToBreakeven(symbol):
                self.positions[symbol]["be"] = 1
            case commands.PauseEntries() | commands.ArmFlatten():
                self.entries = "PAUSED"
            case commands.ResumeEntries():
                self.entries = "ENABLED"
            case commands.FlattenAll():
                self.flatten_started = self.ms + 1
                self.entries = "FLATTENING"
            case commands.SetApproval(approval):
                self.approval = approval.value
        return True, ""

    def _flatten_step(self) -> None:
        for symbol, held in list(self.positions.items()):
            if held["closing"] and self.ms - held["closing"] > 700:
                del self.positions[symbol]
                self.say("money", symbol, "position closed")
        if not self.flatten_started:
            return
        waited = self.ms - self.flatten_started
        if self.flatten.state != "running":
            rows = [m.FlattenRow(symbol, "closing", "market reduce-only", None) for symbol in self.positions]
            self.flatten = m.FlattenView(state="running", rows=rows)
        rows = []
        for index, row in enumerate(self.flatten.rows):
            if waited > 900 + 400 * index:
                rows.append(msgspec.structs.replace(row, state="flat", detail="size 0", ms=812 + 400 * index))
                self.positions.pop(row.symbol, None)
            elif waited > 300 + 200 * index:
                rows.append(msgspec.structs.replace(row, state="acked", detail="order taken", ms=88))
            else:
                rows.append(row)
        done = all(row.state == "flat" for row in rows)
        self.flatten = m.FlattenView(state="flat" if done else "running", rows=rows)
        if done:
            self.flatten_started = 0
            self.entries = "PAUSED"

    # views

    def views(self, watched: tuple[str, ...] | None = None) -> list[m.View]:
        shown = watched or tuple(self.markets)[:1]
        views: list[m.View] = [
            self.header(),
            self.signals_view(),
            self.positions_view(),
            self.walls_view(),
            self.watchlist(),
        ]
        views += [self.orders_view(), self.risk(), self.health(), self.flatten, m.LogView(self.log[:200])]
        for symbol in shown:
            if symbol in self.markets:
                views += [self.book(symbol), self.flow(symbol), self.gates(symbol)]
        return views

    def header(self) -> m.HeaderView:
        return m.HeaderView(
            environment=self.environment,
            source="synthetic",
            symbols=list(self.markets),
            md_ms=38 + self.ms // 700 % 5,
            order_ms=112,
            day_r="-0.6R",
            day_limit_r="-3R",
            day_money="-15.0",
            positions_open=len(self.positions),
            positions_max=10,
            approval=self.approval,
            entries=self.entries,
            streams_up=4,
            streams_wanted=4,
            now_ms=START_MS + self.ms,
            preset="plotnost",
            recorder="rec 1.2MB/m",
        )

    def book(self, symbol: str) -> m.BookView:
        market = self.markets[symbol]
        bids = sorted(((t, s) for t, s in market.bids.items() if t <= market.mid), reverse=True)[:200]
        asks = sorted((t, s) for t, s in market.asks.items() if t > market.mid)[:200]
        walls = [
            m.WallMark(
                ticks=ticks,
                is_bid=ticks <= market.mid,
                level=2 if wall[1] > market.unit * 30 else 1,
                fate_percent=min(99, int(wall[2])),
                code="C" if wall[2] > 10 else "",
                age_s=int(wall[4]),
                size=f"{wall[0]:.0f}",
                usd="8.1M",
            )
            for ticks, wall in market.walls.items()
        ]
        spread = asks[0][0] - bids[0][0]
        mid = (asks[0][0] + bids[0][0]) / 2 * float(market.tick_size)
        own = self._own(symbol)
        return m.BookView(
            symbol=symbol,
            tick_size=market.tick_size,
            price_decimals=market.decimals,
            qty_decimals=3,
            bids=bids,
            asks=asks,
            traded=[(ticks, pair[0], pair[1]) for ticks, pair in market.traded.items()],
            state=market.state,
            age_ms=market.age_ms,
            spread=f"{spread * float(market.tick_size):.{market.decimals}f}",
            spread_bps=f"{spread * float(market.tick_size) / mid * 1e4:.2f}",
            mid=f"{mid:.{market.decimals + 1}f}",
            full_bar=market.full,
            walls=walls,
            own=own,
            changes=[(t, round(market.random.gauss(0, market.unit), 2)) for t, _ in (*bids[4:60:17], *asks[6:60:19])],
        )

    def _own(self, symbol: str) -> list[m.OwnMark]:
        market = self.markets[symbol]
        step = market.step_ticks
        marks = []
        if symbol in self.positions:
            held = self.positions[symbol]
            entry, sign = int(held["entry"]), 1 if held["long"] else -1
            marks = [
                m.OwnMark(entry, "entry", "E", is_buy=bool(held["long"])),
                m.OwnMark(entry + sign * 2 * step, "breakeven", "BE", is_buy=bool(held["long"])),
                m.OwnMark(entry - sign * 51 * step, "stop", "SL", is_buy=not held["long"]),
                m.OwnMark(entry + sign * 13 * step, "take_profit", "TP", is_buy=not held["long"]),
            ]
        if symbol == "BTCUSDT":
            marks.append(m.OwnMark(market.mid - market.mid % step - 7 * step, "order", "5"))
        return marks

    def flow(self, symbol: str) -> m.FlowView:
        market = self.markets[symbol]
        return m.FlowView(
            symbol=symbol,
            tape=list(market.tape),
            tpm_10s=f"{market.tpm[-1] * 1.1:.0f}",
            tpm_60s=f"{market.tpm[-1]:.0f}",
            tps_10s=f"{market.tpm[-1] / 60:.1f}",
            delta_10s="+4.1",
            delta_60s=f"{market.delta[-1]:+.1f}",
            delta_300s="-12.0",
            ratio_60s="1.31",
            activity="+2.4",
            activity_parts="tpm1.1 tps.6 dv.7",
            is_warming=False,
            imbalance_5="+.31",
            imbalance_10="+.22",
            microprice_ticks="+.4",
            trend="up",
            tpm_series=list(market.tpm),
            delta_series=list(market.delta),
            activity_series=list(market.tpm),
        )

    def signals_view(self) -> m.SignalsView:
        return m.SignalsView(rows=list(self.signals), ended=self.ended[:5])

    def positions_view(self) -> m.PositionsView:
        rows = []
        for symbol, held in self.positions.items():
            market = self.markets[symbol]
            sign = 1 if held["long"] else -1
            ticks = round((market.mid - held["entry"]) * sign)
            waited = self.ms - held["since"]
            state = "ack" if waited > 600 else "sent"
            rows.append(
                m.PositionRow(
                    symbol=symbol,
                    is_long=bool(held["long"]),
                    qty=f"{held['qty']:.3f}",
                    entry=market.price(int(held["entry"])),
                    mark=market.price(market.mid),
                    pnl_r=f"{ticks / market.step_ticks / 25:+.2f}R",
                    pnl_ticks=f"{ticks:+d}t",
                    pnl_percent=f"{ticks / held['entry'] * 100:+.2f}%",
                    pnl_money=f"{ticks * float(market.tick_size) * held['qty']:+.2f}",
                    fees="-1.90",
                    is_profit=ticks > 0,
                    stop=market.price(int(held["entry"] - sign * (0 if held["be"] else 51) * market.step_ticks)),
                    stop_state=state,
                    stop_ack_ms=88 if state == "ack" else None,
                    breakeven=market.price(int(held["entry"] + sign * 2 * market.step_ticks)),
                    at_breakeven=bool(held["be"]),
                    age=f"{waited // 60000}m{waited // 1000 % 60:02d}",
                    liquidation="",
                    is_foreign=False,
                    exits=[
                        m.GateView("time in trade", f"{waited // 1000}s", "<= 15m", "ok"),
                        m.GateView("target", f"{ticks / market.step_ticks / 25:+.2f}R", ">= 2R", "off"),
                    ],
                    state="closing" if held["closing"] else "open",
                )
            )
        return m.PositionsView(rows)

    def orders_view(self) -> m.OrdersView:
        market = self.markets["BTCUSDT"]
        price = market.price(market.mid - market.mid % 10 - 70)
        row = m.OrderRow(
            client_id="cs1-7-e1", symbol="BTCUSDT", side="Buy", kind="PO", price=price, qty="0.005", filled="0",
            state="open", age="12s", is_foreign=False,
        )  # fmt: skip
        return m.OrdersView([row])

    def walls_view(self) -> m.WallsView:
        rows = []
        for market in self.markets.values():
            for ticks, wall in market.walls.items():
                rows.append(
                    m.WallRow(
                        wall_id=f"{market.symbol}{ticks}",
                        symbol=market.symbol,
                        is_bid=ticks <= market.mid,
                        price=market.price(ticks),
                        ticks=ticks,
                        distance_percent=round(abs(ticks - market.mid) / market.mid * 100, 3),
                        multiple=f"{wall[0] / market.unit:.1f}",
                        usd=f"{wall[0] * market.mid * float(market.tick_size) / 1e6:.1f}M",
                        fate_percent=min(99, int(wall[2])),
                        code="C" if wall[2] > 10 else "",
                        age=f"{int(wall[4]) // 60}m{int(wall[4]) % 60:02d}",
                        touches=2,
                        is_cluster=False,
                        is_round=ticks % 100 == 0,
                    )
                )
        rows.sort(key=lambda row: row.distance_percent)
        return m.WallsView(rows)

    def watchlist(self) -> m.WatchlistView:
        return m.WatchlistView(
            [
                m.WatchRow(
                    symbol=market.symbol,
                    last=market.price(market.mid),
                    change="+1.31%",
                    tpm=f"{market.tpm[-1]:.0f}",
                    walls=len(market.walls),
                    signals=sum(row.symbol == market.symbol for row in self.signals),
                    has_position=market.symbol in self.positions,
                    state=market.state,
                    age_ms=20,
                    spark=tuple(market.tpm),
                )
                for market in self.markets.values()
            ]
        )

    def risk(self) -> m.RiskView:
        return m.RiskView(
            equity="25,012.40",
            available="24,100.00",
            day_r="-0.6R",
            day_limit_r="-3R",
            day_money="-15.00",
            exposure_percent=3.1,
            exposure_limit_percent=5.0,
            exposure="775",
            streak=-1,
            trades_today=12,
            wins_today=7,
            losses_today=5,
            profit_factor="1.4",
            expectancy_r="+0.18R",
            gates=[
                m.GateView("state", "READY", "READY", "ok"),
                m.GateView("private stream", "2 s", "<= 10 s", "ok", 2_100),
                m.GateView("reconciled", "7 s", "<= 30 s", "ok", 7_300),
                m.GateView("day loss", "-0.6R", "> -3R", "ok", 7_300),
                *self.closed_gates,
                m.GateView("request room", "92 %", ">= 30 %", "ok", 400),
                m.GateView("commit", "0.31 ms", "<= 50 ms", "ok", 1_200),
            ],
        )

    def gates(self, symbol: str) -> m.GatesView:
        return m.GatesView(
            symbol,
            [
                m.GateView("book", "valid", "valid", "ok", 30),
                m.GateView("book age", "0.0 s", "<= 4 s", "ok", 30),
                m.GateView("spread", "1.21 bp", "<= 15 bp", "ok", 30),
                m.GateView("mid to mark", "0.012 %", "<= 1 %", "ok", 200),
                m.GateView("instrument", "Trading", "Trading", "ok", 754_000),
                m.GateView("rules age", "12 min", "<= 60 min", "ok", 754_000),
            ],
        )

    def health(self) -> m.HealthView:
        names = ("public", "private", "detect", "execution", "journal", "recorder", "link")
        return m.HealthView(
            tasks=[m.TaskLight(name, "running", "", 0, 12) for name in names],
            md_p50_ms=38,
            md_p95_ms=71,
            order_ms=112,
            drift_ms=-4,
            frames_per_s=240,
            loop_lag_ms=1,
        )
