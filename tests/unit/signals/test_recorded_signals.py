"""The whole chain on real recordings: what it finds, and that only what it may see matters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, pairwise

import msgspec
import pytest

from cockpit.detectors.bank import DetectorBank
from cockpit.detectors.config import DensityConfig, DetectorsConfig
from cockpit.detectors.wall import WallEvent
from cockpit.domain.enums import SignalKind
from cockpit.domain.market import MarketEvent, Ticker, TouchHeartbeat
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.market.state import MarketState
from cockpit.signals.base import SignalRaised
from cockpit.signals.config import SignalsConfig
from cockpit.signals.pipeline import SignalEvent, SignalPipeline
from tests.support.decoded import recorded_events

pytestmark = pytest.mark.recorded

BTC = "btcusdt-perp-2023/frames.jsonl.gz"
SHIFT_NS = 12_345_678_901 * NS_PER_MS

Output = WallEvent | SignalEvent


def run(events: Iterable[MarketEvent], detectors: DetectorsConfig | None = None) -> list[Output]:
    """Everything told about walls and signals, in order, symbols kept apart."""
    chains: dict[str, tuple[MarketState, DetectorBank, SignalPipeline]] = {}
    told: list[Output] = []
    for event in events:
        if event.symbol not in chains:
            bank = DetectorBank(event.symbol, detectors or DetectorsConfig())
            chains[event.symbol] = (MarketState(event.symbol), bank, SignalPipeline(event.symbol, SignalsConfig()))
        state, bank, pipeline = chains[event.symbol]
        state.apply(event)
        walls = bank.update(state, event)
        told += walls
        told += pipeline.update(state, bank, event, walls)
    return told


def unshifted(told: list[Output], shift_ns: int) -> list[object]:
    """The outputs as plain data with ``shift_ns`` taken off every stamp."""

    def strip(value: object) -> object:
        if isinstance(value, dict):
            return {
                key: item - shift_ns if key in _STAMPS and isinstance(item, int) else strip(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [strip(item) for item in value]
        return value

    return [strip(msgspec.to_builtins(one)) for one in told]


_STAMPS = {"ts_event", "first_seen_ns", "ended_ns", "raised_event_ns", "expires_event_ns"}


def with_noise(events: Iterable[MarketEvent]) -> Iterator[MarketEvent]:
    """The events as the simulated exchange adds to them: heartbeats and derived tickers in between."""
    for number, event in enumerate(events):
        ahead_ns = event.ts_event + 7 * NS_PER_S
        if number % 3 == 0:
            yield TouchHeartbeat(event.symbol, ahead_ns, ahead_ns, 1, 0, 1.0, 2.0)
        if number % 5 == 0:
            yield Ticker(event.symbol, ahead_ns, ahead_ns, 1.0, 1.0, None, -0.5, is_change_since_start=True)
        yield event


@pytest.fixture(scope="module")
def plain() -> list[Output]:
    return run(recorded_events(BTC))


def test_walls_breakouts_and_bounces_occur_with_the_default_numbers(plain: list[Output]) -> None:
    kinds = [one.signal.kind for one in plain if isinstance(one, SignalRaised)]
    assert kinds.count(SignalKind.BREAKOUT) >= 3
    assert kinds.count(SignalKind.BOUNCE) >= 1
    walls = [one for one in plain if isinstance(one, WallEvent)]
    assert {event.kind for event in walls} == {"new", "eaten", "pulled", "gone"}


def test_every_wall_of_the_recording_obeys_the_identity(plain: list[Output]) -> None:
    for one in plain:
        if isinstance(one, WallEvent):
            wall = one.wall
            balance = wall.initial + wall.refilled - wall.traded - wall.pulled - wall.pending
            assert balance == pytest.approx(wall.current, abs=1e-6)
            assert min(wall.current, wall.traded, wall.pulled, wall.refilled, wall.pending) >= 0.0


def test_shift_heartbeats_and_derived_tickers_change_no_wall_and_no_signal(plain: list[Output]) -> None:
    noisy = run(with_noise(recorded_events(BTC, SHIFT_NS)))
    assert unshifted(noisy, SHIFT_NS) == unshifted(plain, 0)


def test_symbols_do_not_influence_each_other() -> None:
    events = list(recorded_events("bybit-linear-2026-08/frames_ob50.jsonl.gz"))
    together = run(events)
    for symbol in {event.symbol for event in events}:
        alone = run(event for event in events if event.symbol == symbol)
        prefix = f"{symbol}-"
        mixed = [one for one in together if isinstance(one, WallEvent) and one.wall.wall_id.startswith(prefix)]
        assert [one for one in alone if isinstance(one, WallEvent)] == mixed


def test_signals_keep_the_cooldown_and_one_per_wall_and_kind(plain: list[Output]) -> None:
    signals = [one.signal for one in plain if isinstance(one, SignalRaised)]
    stamps = [signal.raised_event_ns for signal in signals]
    assert all(later - earlier >= 30 * NS_PER_S for earlier, later in pairwise(stamps))
    breakouts = [signal.wall.wall_id for signal in signals if signal.kind is SignalKind.BREAKOUT]
    assert len(breakouts) == len(set(breakouts))


def test_thin_alt_shows_lasting_walls_by_the_bucket_criterion() -> None:
    strict = DensityConfig(criteria=("median_bucket",), k_density=7.0, bucket_ticks=3)
    first_hours = islice(recorded_events("nexousdt-24h/frames.jsonl.gz"), 15_000)
    lasting = [
        one.wall
        for one in run(first_hours, DetectorsConfig(density=strict))
        if isinstance(one, WallEvent)
        and one.wall.ended_ns is not None
        and one.wall.ended_ns - one.wall.first_seen_ns >= 10 * NS_PER_S
    ]
    assert len({wall.wall_id for wall in lasting}) > 50
