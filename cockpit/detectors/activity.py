"""How busy trading in one symbol is, compared with its own past. It knows the tape and no book.

Formulas (S1). Every ``sample_ms`` of event time: trades a minute (10 s, 60 s) and a second (10 s), bought minus sold
size (10, 60, 300 s), bought over sold size (60 s). The index is ``Z(tpm_60) + Z(tps_10) + Z(|vol_delta_60|)``, each Z
against the samples of the last ``baseline_s``: 0 is usual, above 0 busier. The index has dropped if it lies
``drop_threshold`` (a share) below its own mean over ``mean_s``; while that mean is below ``drop_base_min`` there is
nothing to drop from.
"""

from __future__ import annotations

import msgspec

from cockpit.detectors.config import ActivityConfig
from cockpit.domain.time import NS_PER_MS, nanos_from_s
from cockpit.market.rolling import Cadence, RollingStats
from cockpit.market.tape import FIVE_MINUTES_NS, ONE_MINUTE_NS, TEN_SECONDS_NS, TradeTape


class ActivitySnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Activity as of the last sample. Sizes in base currency."""

    tpm_10: float
    """Trades a minute over 10 s."""
    tpm_60: float
    tps_10: float
    """Trades a second over 10 s."""
    vol_delta_10: float
    """Bought minus sold size over 10 s."""
    vol_delta_60: float
    vol_delta_300: float
    buy_sell_ratio_60: float | None
    """None while nothing was sold."""
    z_tpm: float
    z_tps: float
    z_delta: float
    """Of the absolute volume delta over 60 s."""
    index: float
    """Sum of the three Z-scores."""
    index_mean: float
    """Mean of the index over ``mean_s``."""
    drop: float | None
    """Share of its mean that the index has lost, at least 0; None while there is nothing to drop from."""
    is_dropping: bool
    is_warming: bool
    """True while the baseline is too short for the Z-scores to mean much."""
    sampled_ns: int
    """Event clock of the sample; 0: nothing sampled yet."""


NO_ACTIVITY = ActivitySnapshot(
    tpm_10=0.0,
    tpm_60=0.0,
    tps_10=0.0,
    vol_delta_10=0.0,
    vol_delta_60=0.0,
    vol_delta_300=0.0,
    buy_sell_ratio_60=None,
    z_tpm=0.0,
    z_tps=0.0,
    z_delta=0.0,
    index=0.0,
    index_mean=0.0,
    drop=None,
    is_dropping=False,
    is_warming=True,
    sampled_ns=0,
)


class ActivityDetector:
    """Samples one symbol's tape and scores it against its own past."""

    def __init__(self, config: ActivityConfig) -> None:
        self.snapshot = NO_ACTIVITY
        self._config = config
        self._cadence = Cadence(config.sample_ms * NS_PER_MS)
        baseline_ns = nanos_from_s(config.baseline_s)
        self._tpm = RollingStats(baseline_ns)
        self._tps = RollingStats(baseline_ns)
        self._delta = RollingStats(baseline_ns)
        self._index = RollingStats(nanos_from_s(config.mean_s))
        self._warmup_ns = nanos_from_s(config.warmup_s)

    def update(self, tape: TradeTape) -> None:
        """Sample if it is time to; the tape's event clock says so."""
        if tape.now_ns >= self._cadence.next_ns and self._cadence.is_due(tape.now_ns):
            self.snapshot = self._sample(tape)

    def _sample(self, tape: TradeTape) -> ActivitySnapshot:
        now_ns = tape.now_ns
        ten, minute, five = (tape.window(span) for span in (TEN_SECONDS_NS, ONE_MINUTE_NS, FIVE_MINUTES_NS))
        z_tpm = _scored(self._tpm, now_ns, minute.per_minute)
        z_tps = _scored(self._tps, now_ns, ten.per_second)
        z_delta = _scored(self._delta, now_ns, abs(minute.delta))
        index = z_tpm + z_tps + z_delta
        self._index.add(now_ns, index)
        mean = self._index.mean
        drop = max(0.0, (mean - index) / mean) if mean >= self._config.drop_base_min else None
        return ActivitySnapshot(
            tpm_10=ten.per_minute,
            tpm_60=minute.per_minute,
            tps_10=ten.per_second,
            vol_delta_10=ten.delta,
            vol_delta_60=minute.delta,
            vol_delta_300=five.delta,
            buy_sell_ratio_60=minute.buy_sell_ratio,
            z_tpm=z_tpm,
            z_tps=z_tps,
            z_delta=z_delta,
            index=index,
            index_mean=mean,
            drop=drop,
            is_dropping=drop is not None and drop >= self._config.drop_threshold,
            is_warming=tape.is_warming(self._warmup_ns),
            sampled_ns=now_ns,
        )


def _scored(stats: RollingStats, now_ns: int, value: float) -> float:
    """Z-score of ``value`` against the past, which it then joins."""
    score = stats.z_score(value)
    stats.add(now_ns, value)
    return score
