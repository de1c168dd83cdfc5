"""Configuration of the simulated exchange. No behaviour lives here."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT", "XRPUSDT", "ADAUSDT", "LINKUSDT", "AVAXUSDT")


class SimexConfig(BaseModel):
    """Everything a simulated exchange needs to start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    market: str = "synthetic"
    """``synthetic``, ``recording:PATH`` or ``relay``."""
    port: int = Field(0, ge=0, le=65535)
    """TCP port on 127.0.0.1; 0 picks a free one."""
    seed: int = 1
    """Seed of the synthetic market; the same seed gives the same flow."""
    speed: float = Field(1.0, gt=0, le=1000)
    """Pace of a synthetic or recorded market. The spacing of the time stamps does not change."""
    symbols: tuple[str, ...] = DEFAULT_SYMBOLS
    """Symbols of a synthetic or relayed market; a recording brings its own."""
    api_key: str | None = Field(None, repr=False)
    """Key of the only account; random when absent."""
    api_secret: str | None = Field(None, repr=False)
    """Secret of the only account; random when absent."""
    start_balance_usdt: Decimal = Field(Decimal(10_000), gt=0)
    """Wallet balance of a new account."""
    default_leverage: Decimal = Field(Decimal(10), ge=1)
    """Leverage of symbols for which none was set."""
    account_file: Path | None = None
    """Where the account is kept between starts; None keeps it in memory only."""
    ack_delay_ms: float = Field(5.0, ge=0)
    """Delay of socket acknowledgements and first data. Below 2 ms pybit loses its own race (bybit-v5.md 15.4)."""
    is_snapshot_before_ack: bool = False
    """Send the first snapshot before the acknowledgement, as Bybit sometimes does."""
    order_ack_delay_ms: float = Field(5.0, ge=0)
    """Delay of the reply to an order request after the exchange has applied it."""
    recording_start_delay_s: float = Field(0.5, ge=0)
    """Wait between the first order book subscription and the first frame of a recording."""
    relay_public_url: str = "wss://stream.bybit.com/v5/public/linear"
    """Public socket that ``relay`` re-publishes."""
    relay_rest_url: str = "https://api.bybit.com"
    """REST host from which ``relay`` reads instruments and tickers."""
    relay_depths: tuple[int, ...] = (50, 200)
    """Depths of the order book topics that ``relay`` subscribes to and offers."""
    relay_retry_s: float = Field(1.0, gt=0)
    """Wait before the next attempt to reach a lost upstream."""

    @field_validator("market")
    @classmethod
    def _known_market(cls, value: str) -> str:
        if value in {"synthetic", "relay"} or (value.startswith("recording:") and len(value) > len("recording:")):
            return value
        raise ValueError(f"market {value!r} is none of synthetic, recording:PATH, relay")

    @field_validator("symbols")
    @classmethod
    def _plain_symbols(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for symbol in value:
            if not symbol.isalnum() or symbol != symbol.upper() or not symbol.endswith("USDT"):
                raise ValueError(f"symbol {symbol!r} is not an upper-case USDT perpetual")
        if not value or len(set(value)) != len(value):
            raise ValueError("symbols must be distinct, and at least one")
        return value

    @property
    def recording_path(self) -> Path | None:
        """The file of a recorded market, None for other markets."""
        return Path(self.market.removeprefix("recording:")) if self.market.startswith("recording:") else None
