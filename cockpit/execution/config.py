"""Execution parameters: how entries are priced and when positions are left."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cockpit.domain.enums import TriggerBy

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ExitsConfig(BaseModel):
    """Section ``[execution.exits]``: rules that close a position besides its stop at the exchange. 0 is off."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    breakeven_at_pct: NonNegative = 0.5
    """Move the stop to entry plus fees once the price is this far in profit, percent."""
    take_profit_r: NonNegative = 3.0
    """Fixed take-profit, in multiples of the distance to the first stop."""
    time_stop_breakout_s: NonNegative = 10_800
    """Close a breakout position after this time, seconds."""
    time_stop_bounce_s: NonNegative = 300
    """Close a bounce position after this time, seconds."""
    bounce_exit_eaten_pct: NonNegative = 65.0
    """Close a bounce position when trades have eaten this much of its wall, percent."""
    slowdown_factor: NonNegative = 3.0
    """Dynamic take-profit: speed of the last 10 s below the best 10 s speed since entry divided by this."""
    counter_flow_factor: NonNegative = 3.0
    """Dynamic take-profit: opposite volume of 10 s at least this many times our own side's."""
    counter_density: bool = True
    """Dynamic take-profit: a new opposite wall within the take-profit distance."""
    known_level: bool = True
    """Dynamic take-profit: price within touch tolerance of a 4 h extremum."""
    min_profit_r: NonNegative = 0.3
    """Dynamic take-profit rules act only at or above this profit, in R after fees."""


class ForeignNaked(StrEnum):
    """What becomes of a position that is none of ours and has no stop."""

    ALARM = "alarm"
    PROTECT = "protect"


class ExecutionConfig(BaseModel):
    """Section ``[execution]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    entry_collar_bps: Annotated[float, Field(ge=0, le=50, allow_inf_nan=False)] = 5.0
    """Entries are limit-IOC at the touch plus this much, at most 50 (half a percent)."""
    min_stop_pct: Positive = 0.05
    """No entry when the stop would be closer to the entry than this, percent."""
    stop_trigger_by: TriggerBy = TriggerBy.MARK
    """Which price triggers the attached stop."""
    taker_fee_rate: NonNegative = 0.00055
    """Fee fraction used in estimates where the account's own rate is not known."""
    stop_check_s: Positive = 2.0
    """A position without a confirmed stop for longer gets one by trading-stop."""
    max_stop_restores: Annotated[int, Field(ge=1, le=10)] = 3
    """After this many requests to restore a missing stop the position is closed instead."""
    unknown_first_query_s: Positive = 4.0
    """First query of an order with unknown outcome, after its time to live plus 1 s; then every 1, 2, 4, 4 ...
    s; of an order that closes every 1, 2, 2 ... s."""
    order_ttl_s: Positive = 3.0
    """recv_window of order requests: an order cannot be accepted later than this after it was sent."""
    reconcile_s: Positive = 10.0
    """Orders and positions are compared with the exchange this often."""
    settling_s: Positive = 15.0
    """For this long after the private stream has come up they are compared more often ..."""
    short_reconcile_s: Positive = 3.0
    """... namely this often: what was missed is not pushed, and a read may be answered from an older snapshot.
    The same while a position of ours is open: a stop that is removed without a push is back within 5 s."""
    rules_read_s: Positive = 3000.0
    """Trading rules of the exchange are read again this often; entries want those of the last hour."""
    ledger_s: Positive = 60.0
    """Our books are compared with the exchange's transaction log this often."""
    ledger_settle_s: NonNegative = 5.0
    """Younger rows of the log are left to the next comparison: they may still be on their way. Equity that fell by the
    day's limit is a loss only by a log that was read so much later."""
    ledger_confirm_s: NonNegative = 10.0
    """A difference that is still there after this long, and after a new read of the account, locks entries."""
    probe_s: Positive = 15.0
    """While the exchange refuses the key or this address, or is under maintenance, the account is asked this often."""
    connection_loss_flatten_s: NonNegative = 30.0
    """With a position open and a stream of the exchange lost for longer, everything is closed by REST. 0: stops do."""
    foreign_naked: ForeignNaked = ForeignNaked.ALARM
    """A foreign position without a stop: alarm (an operator may say :protect) or protect (a stop is set by itself)."""
    foreign_stop_pct: Annotated[float, Field(ge=0.1, le=50, allow_inf_nan=False)] = 1.0
    """Distance of that stop from the mark price, percent."""
    flatten_slippage_pct: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 5.0
    """A close of a flatten that the book left unfilled three times may fill further from the touch each time, up to
    this much, percent. 0: never further than the exchange itself allows."""
    exits: ExitsConfig = ExitsConfig()
