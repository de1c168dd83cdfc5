"""From walls to signals of one symbol: raising, cooldown, expiry. Nobody approves anything here.

All times are the symbol's event clock. Only books and trades drive the pipeline; a ticker is read where a gate asks for
it. One signal lives per wall and kind, a bounce can be raised once per touch, and after any signal the symbol is quiet
for the cooldown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zlib import crc32

import msgspec

from cockpit.detectors.bank import DetectorBank
from cockpit.detectors.tracked import TrackedWall
from cockpit.detectors.wall import WallEvent
from cockpit.domain.enums import Side, SignalKind
from cockpit.domain.ids import SignalId, WallId
from cockpit.domain.market import BookDelta, BookSnapshot, MarketEvent, Trades
from cockpit.domain.time import nanos_from_s
from cockpit.market.state import MarketState
from cockpit.signals import rules
from cockpit.signals.base import Gate, Signal, SignalExpired, SignalRaised
from cockpit.signals.config import SignalsConfig

SignalEvent = SignalRaised | SignalExpired

_KIND_LETTER = {SignalKind.BREAKOUT: "x", SignalKind.BOUNCE: "o"}
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


class SignalPipeline:
    """Signals of one symbol."""

    def __init__(self, symbol: str, config: SignalsConfig, epoch: int = 0) -> None:
        """``epoch``: count of engine starts, part of every id; 0 where nothing is kept from run to run."""
        self._symbol = symbol
        self._epoch = epoch
        self._config = config
        self._ttl_ns = nanos_from_s(config.ttl_s)
        self._cooldown_ns = nanos_from_s(config.cooldown_s)
        self._quiet_until_ns = 0
        self._raised = 0
        self._live: dict[SignalId, Signal] = {}
        self._wall_of: dict[SignalId, TrackedWall] = {}
        self._broken: set[WallId] = set()
        """Ended walls whose breakout was raised; forgotten with the wall."""
        self._bounced: dict[WallId, int] = {}
        """Number of the touch at which a wall's last bounce was raised."""
        self._state: MarketState | None = None

    def update(
        self, state: MarketState, bank: DetectorBank, event: MarketEvent, wall_events: Sequence[WallEvent]
    ) -> list[SignalEvent]:
        """What this event changed about the signals. Call it after ``bank.update``, with its events."""
        kind = type(event)
        if not (kind is BookDelta or kind is Trades or kind is BookSnapshot) or not state.last_event_ns:
            return []
        self._state = state
        for told in wall_events:
            if told.kind == "gone":
                self._bounced.pop(told.wall.wall_id, None)
        outputs: list[SignalEvent] = []
        if self._live:
            outputs += self._expire(state.last_event_ns)
        if state.mid is not None and state.last_event_ns >= self._quiet_until_ns:
            signal = self._breakout(state, bank) or self._bounce(state, bank)
            if signal is not None:
                outputs.append(SignalRaised(signal))
        return outputs

    @property
    def live(self) -> list[Signal]:
        """Signals that wait for a decision, highest priority first, then oldest."""
        return sorted(self._live.values(), key=lambda signal: (-signal.priority, signal.raised_event_ns))

    def snooze(self, signal_id: SignalId, extra_ns: int) -> bool:
        """Let a live signal live ``extra_ns`` longer. False if it is not live."""
        signal = self._live.get(signal_id)
        if signal is None:
            return False
        self._live[signal_id] = msgspec.structs.replace(signal, expires_event_ns=signal.expires_event_ns + extra_ns)
        return True

    def drop(self, signal_id: SignalId) -> bool:
        """Take a signal out because it was decided on; it does not expire any more. False if it was not live."""
        self._wall_of.pop(signal_id, None)
        return self._live.pop(signal_id, None) is not None

    def trend_gates(self, direction: Side = Side.BUY) -> tuple[Gate, ...]:
        """The trend's gates for ``direction`` as they stand; empty before the first event."""
        if self._state is None:
            return ()
        return tuple(rules.trend_gates(self._state, self._config.breakout, direction))

    def _expire(self, now_ns: int) -> list[SignalExpired]:
        expired: list[SignalExpired] = []
        for signal in self._live.values():
            if signal.kind is SignalKind.BOUNCE and self._wall_of[signal.signal_id].ended_ns is not None:
                expired.append(SignalExpired(signal.signal_id, "wall gone", now_ns))
            elif now_ns >= signal.expires_event_ns:
                expired.append(SignalExpired(signal.signal_id, "ttl", now_ns))
        for end in expired:
            self.drop(end.signal_id)
        return expired

    def _breakout(self, state: MarketState, bank: DetectorBank) -> Signal | None:
        """The first wall that was broken: while it stands no price can be beyond it, so only ended walls count."""
        config = self._config.breakout
        ended = bank.density.ended
        if not config.is_enabled or not ended:
            return None
        assert state.mid is not None
        for wall in ended:
            if not rules.may_be_breakout(state.mid, wall, config):
                continue
            if wall.end_reason == "book lost" or wall.wall_id in self._broken:
                continue
            gates = _all_passed(rules.breakout_gates(state, wall, config))
            if gates is None:
                continue
            self._broken &= {known.wall_id for known in ended}
            self._broken.add(wall.wall_id)
            direction = rules.breakout_direction(wall.side)
            is_new = rules.is_new_territory(state, direction)
            priority = config.new_territory_priority if is_new else 1.0
            stop = rules.breakout_stop(wall, state.mid, config)
            return self._raise(state, wall, SignalKind.BREAKOUT, direction, (priority, stop), gates)
        return None

    def _bounce(self, state: MarketState, bank: DetectorBank) -> Signal | None:
        """The first standing wall that is touched and holds."""
        config = self._config.bounce
        touching = bank.density.touching
        if not touching or not config.is_enabled or not rules.is_quiet(bank.activity, config):
            return None
        for wall in touching:
            if wall.ended_ns is not None or self._bounced.get(wall.wall_id) == wall.touches:
                continue
            gates = _all_passed(rules.bounce_gates(state, wall, bank.activity, config))
            if gates is None:
                continue
            self._bounced[wall.wall_id] = wall.touches
            direction = rules.bounce_direction(wall.side)
            stop = rules.bounce_stop(wall, config)
            return self._raise(state, wall, SignalKind.BOUNCE, direction, (1.0, stop), gates)
        return None

    def _raise(
        self,
        state: MarketState,
        wall: TrackedWall,
        kind: SignalKind,
        direction: Side,
        priority_and_stop: tuple[float, float],
        gates: tuple[Gate, ...],
    ) -> Signal:
        assert state.mid is not None
        now_ns = state.last_event_ns
        self._raised += 1
        signal = Signal(
            signal_id=signal_id(kind, self._symbol, self._raised, self._epoch),
            kind=kind,
            symbol=self._symbol,
            direction=direction,
            wall=wall.picture(now_ns),
            priority=priority_and_stop[0],
            is_priority_warming=kind is SignalKind.BREAKOUT and state.extrema.is_warming,
            stop_price=priority_and_stop[1],
            entry_reference=state.mid,
            gates=gates,
            raised_event_ns=now_ns,
            expires_event_ns=now_ns + self._ttl_ns,
        )
        self._live[signal.signal_id] = signal
        self._wall_of[signal.signal_id] = wall
        self._quiet_until_ns = now_ns + self._cooldown_ns
        return signal


def signal_id(kind: SignalKind, symbol: str, number: int, epoch: int = 0) -> SignalId:
    """Id of a symbol's signal number ``number``: kind letter, 6 characters of the symbol's hash, the number.

    From engine start to engine start (``epoch``) ids differ: a trade has its signal's id, in link ids and in the
    journal. Letters and digits only, at most 12 characters for 36**5 signals, and 2 for the first 35 starts.
    """
    name = _in_base36(crc32(symbol.encode()) % 36**6).rjust(6, "0")
    start = f"E{_in_base36(epoch)}" if epoch else ""
    return SignalId(f"{_KIND_LETTER[kind]}{name}{_in_base36(number)}{start}")


def _in_base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _BASE36[digit] + digits
    return digits or "0"


def _all_passed(gates: Iterable[Gate]) -> tuple[Gate, ...] | None:
    """The gates if every one has passed, else None; asks no further than the first that has not."""
    passed: list[Gate] = []
    for gate in gates:
        if not gate.passed:
            return None
        passed.append(gate)
    return tuple(passed)
