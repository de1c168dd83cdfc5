"""``Settings``: the sections of the configuration, each a model of the floor that uses it. No reading, no rules of use.

A component gets its own frozen section, never the whole.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cockpit.adapters.bybit.config import BybitConfig
from cockpit.adapters.recording.config import RecorderConfig
from cockpit.adapters.store.config import JournalConfig
from cockpit.config.presets import DEFAULT_PRESET
from cockpit.detectors.config import DetectorsConfig
from cockpit.engine.config import EngineConfig
from cockpit.execution.config import ExecutionConfig
from cockpit.risk.limits import RiskLimits
from cockpit.signals.config import SignalsConfig
from cockpit.simex.config import DEFAULT_SYMBOLS, SimexConfig
from cockpit.ui.config import KeysConfig, UiConfig

Symbol = Annotated[str, Field(pattern=r"^[0-9A-Z]{1,20}USDT$")]


class VenueConfig(BybitConfig):
    """Section ``[venue]``: where orders go, and which market is watched."""

    market: str = Field(default="synthetic", pattern=r"^(synthetic|relay|recording:.+)$")
    """Market of environment sim: synthetic, recording:PATH, or relay (mainnet's public streams; paper trading)."""
    speed: float = Field(default=1.0, gt=0, le=1_000)
    """Pace of a synthetic or recorded market; 1 is real time."""
    seed: int = Field(default=1, ge=0)
    """Seed of the synthetic market; the same seed gives the same market."""
    symbols: tuple[Symbol, ...] = Field(default=DEFAULT_SYMBOLS, min_length=1, max_length=100)
    """USDT perpetuals to watch and trade. A recording brings its own."""

    account_suffix: str = Field(default="", pattern=r"^(\d{4,20})?$")
    """Last digits (4 or more) of the account that may trade live without a terminal to type them at."""

    @model_validator(mode="after")
    def _each_symbol_once(self) -> Self:
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError("symbols holds a symbol twice")
        return self


class PresetConfig(BaseModel):
    """Section ``[preset]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = DEFAULT_PRESET
    """Set of values that takes the place of the defaults; this file, variables and flags override it key by key."""


class SimexSection(BaseModel):
    """Section ``[simex]``: the account of the simulated exchange. Its market is chosen in ``[venue]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    start_balance_usdt: Decimal = Field(default=Decimal(10_000), gt=0, allow_inf_nan=False)
    """Wallet balance of a new account, USDT."""
    order_ack_delay_ms: float = Field(default=5.0, ge=0, le=10_000)
    """Delay of the reply to an order after the simulated exchange has applied it, ms."""


class Settings(BaseModel):
    """The whole configuration of one start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    venue: VenueConfig = VenueConfig()
    preset: PresetConfig = PresetConfig()
    detectors: DetectorsConfig = DetectorsConfig()
    signals: SignalsConfig = SignalsConfig()
    risk: RiskLimits = RiskLimits()
    execution: ExecutionConfig = ExecutionConfig()
    engine: EngineConfig = EngineConfig()
    journal: JournalConfig = JournalConfig()
    recorder: RecorderConfig = RecorderConfig()
    simex: SimexSection = SimexSection()
    ui: UiConfig = UiConfig()
    keys: KeysConfig = KeysConfig()


def simex_config(settings: Settings, *, port: int = 0, account_file: Path | None = None) -> SimexConfig:
    """What the simulated exchange is started with."""
    venue = settings.venue
    return SimexConfig(
        market=venue.market,
        port=port,
        seed=venue.seed,
        speed=venue.speed,
        symbols=venue.symbols,
        start_balance_usdt=settings.simex.start_balance_usdt,
        order_ack_delay_ms=settings.simex.order_ack_delay_ms,
        default_leverage=Decimal(settings.risk.leverage),
        account_file=account_file,
    )
