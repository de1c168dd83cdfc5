"""The core on a recorded market, alone: no exchange, no account, nobody who approves. Pure.

The same frames through the simulated exchange and through here give the same walls and signals in the same order.
"""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import Approval, Environment
from cockpit.domain.events import MarketEnded
from cockpit.domain.market import MarketEvent
from cockpit.engine.config import EngineConfig
from cockpit.engine.core import TradingCore
from cockpit.engine.effects import Step, StepDigest
from cockpit.engine.state import CoreSettings
from cockpit.ports.journal import Recovery

NOTHING_LEFT_OPEN = Recovery(
    epoch=0, open_intents=[], open_trades=[], seen_exec_ids=[], last_fill_ms=0, day_realised=Decimal(0)
)


def replay_settings(settings: CoreSettings | None = None) -> CoreSettings:
    """Settings of a replay: those given (or the defaults), observed only, symbols as they come."""
    given = settings or CoreSettings(environment=Environment.SIM, symbols=(), epoch=0)
    observing = given.engine.model_copy(update={"approval": Approval.OBSERVE, "approval_by_kind": {}})
    return CoreSettings(
        environment=given.environment,
        symbols=(),
        epoch=0,
        engine=EngineConfig.model_validate(observing.model_dump()),
        detectors=given.detectors,
        signals=given.signals,
        risk=given.risk,
        execution=given.execution,
    )


class Replay:
    """Feeds market events to a core and counts what came of them."""

    def __init__(self, settings: CoreSettings | None = None) -> None:
        self.core = TradingCore(replay_settings(settings), NOTHING_LEFT_OPEN)
        self.digest = StepDigest()

    def process(self, event: MarketEvent | MarketEnded) -> Step:
        """One event through the core; a symbol is known from its first event on."""
        if not isinstance(event, MarketEnded) and event.symbol not in self.core.state.symbols:
            self.core.state.add_symbol(event.symbol)
        step = self.core.process(event)
        self.digest.add(step)
        return step
