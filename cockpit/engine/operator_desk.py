"""Judges operator commands. Every command gets one answer; its effect is seen in the next views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import msgspec

from cockpit.domain.commands import (
    ApproveSignal,
    ArmFlatten,
    CancelEntryOrders,
    ClosePosition,
    Command,
    FlattenAll,
    MoveStopToBreakeven,
    OperatorCommand,
    PauseEntries,
    ProtectPosition,
    RejectSignal,
    ResumeEntries,
    SetApproval,
    Shutdown,
    SnoozeSignal,
)
from cockpit.domain.enums import Approval, OrderRole, Severity
from cockpit.engine.day_loss_desk import DayLossDesk
from cockpit.engine.effects import CommandAnswered, EndEngine, SetFlag
from cockpit.engine.exit_desk import ExitDesk
from cockpit.engine.flatten_desk import FlattenDesk
from cockpit.engine.foreign_desk import ForeignDesk
from cockpit.engine.ledger_desk import LedgerDesk
from cockpit.engine.locks import DAY_LOSS, DAY_LOSS_FLAG, INSTANCE, KEY, OPERATOR_CLEARS, PAUSED, REBUILT, STOP_GUARD
from cockpit.engine.sending_desk import SendingDesk
from cockpit.engine.signal_desk import SignalDesk
from cockpit.engine.state import EngineState, Outbox
from cockpit.execution.flatten import FlattenState
from cockpit.ports.journal import FLATTEN_FLAG, REBUILT_FLAG

KEPT_ANSWERS = 1_000
APPROVAL_FLAG = "approval"
"""Engine flag: the approval that an operator chose, where it is stricter than the configured one."""
STRICTEST_FIRST = (Approval.OBSERVE, Approval.MANUAL, Approval.AUTO)


class OperatorDesk:
    """The hand: approve, reject, close, pause, flatten, shut down."""

    def __init__(
        self,
        state: EngineState,
        signals: SignalDesk,
        sending: SendingDesk,
        exits: ExitDesk,
        flatten: FlattenDesk,
        ledger: LedgerDesk,
        foreign: ForeignDesk,
    ) -> None:
        self.state = state
        self.signals = signals
        self.sending = sending
        self.exits = exits
        self.flatten = flatten
        self.ledger = ledger
        self.foreign = foreign
        self.day_loss = DayLossDesk(state, signals, ledger)
        self._shutdown_when_flat = False
        self._answers: dict[tuple[str, str], str] = {}
        """Answers to the last commands by operator and id: a command that arrives again is not carried out again."""

    def recover(self, flags: Mapping[str, str], out: Outbox) -> None:
        """Take up durable flags of an earlier run: a flatten goes on, a day-loss lock and a stricter approval hold."""
        if flags.get(FLATTEN_FLAG):
            self.flatten.start(out)
        self.day_loss.recover(flags.get(DAY_LOSS_FLAG, ""))
        if moved := flags.get(REBUILT_FLAG):
            self.state.locks[REBUILT] = f"the journal was rebuilt, the damaged one is {moved}; resume to go on"
        if flags.get(PAUSED):
            self.state.locks[PAUSED] = "paused by the operator"
        for lock in (INSTANCE, STOP_GUARD):
            if reason := flags.get(OPERATOR_CLEARS[lock]):
                self.state.locks[lock] = reason
        if (kept := flags.get(APPROVAL_FLAG)) and self._is_stricter(Approval(kept)):
            self.state.approval = Approval(kept)
            text = f"approval is {kept}, as an operator chose before this start; configured is {self._configured}"
            out.note("approval", Severity.WARNING, text)

    def on_command(self, event: OperatorCommand, out: Outbox) -> None:
        """Judge one command and answer it; a repeat of it gets the same answer and does nothing."""
        key = (event.operator, event.command_id)
        reason = self._answers.get(key)
        if reason is None:
            reason = self._answers[key] = self._judge(event.command, event.operator, out)
            if len(self._answers) > KEPT_ANSWERS:
                del self._answers[next(iter(self._answers))]
        arguments = msgspec.to_builtins(event.command)
        arguments.pop("type", None)
        out.outputs.append(
            CommandAnswered(
                command_id=event.command_id,
                operator=event.operator,
                action=type(event.command).__name__,
                arguments=arguments,
                accepted=not reason,
                reason=reason,
                seen=event.seen,
            )
        )

    def on_tick(self, out: Outbox) -> None:
        """Once a second: the day's loss limit, and a shutdown that waits for zero."""
        self.day_loss.on_tick(out)
        if self._shutdown_when_flat and not self.flatten.flatten.is_running and not self.state.positions.symbols():
            self._shutdown_when_flat = False
            self._end_engine("stopped after flatten", out)

    def _judge(self, command: Command, operator: str, out: Outbox) -> str:
        """Carry a command out; returns "" or why it is refused."""
        match command:
            case ApproveSignal(signal_id, content_hash):
                return self.signals.approve(signal_id, content_hash, operator, out)
            case RejectSignal(signal_id, reason):
                return self.signals.reject(signal_id, reason, operator, out)
            case SnoozeSignal(signal_id):
                return self.signals.snooze(signal_id)
            case ClosePosition() | MoveStopToBreakeven() | ProtectPosition():
                return self._act_on_position(command, out)
            case CancelEntryOrders(symbol):
                return "" if self.flatten.cancel_entries(symbol, out) else f"no entry order of {symbol or 'any symbol'}"
            case SetApproval(approval):
                return self._set_approval(approval, out)
            case Shutdown():
                return self._shutdown(command, out)
            case PauseEntries() | ResumeEntries() | ArmFlatten() | FlattenAll():
                return self._switch(command, out)
            case _:
                assert_never(command)

    def _act_on_position(self, command: ClosePosition | MoveStopToBreakeven | ProtectPosition, out: Outbox) -> str:
        match command:
            case ClosePosition(symbol, percent):
                return self._close(symbol, percent, out)
            case ProtectPosition(symbol):
                return self.foreign.protect(symbol, out)
            case MoveStopToBreakeven(symbol):
                position = self.state.positions.open.get(symbol)
                return f"no position in {symbol}" if position is None else self.exits.to_breakeven(position, out)

    def _switch(self, command: PauseEntries | ResumeEntries | ArmFlatten | FlattenAll, out: Outbox) -> str:
        match command:
            case PauseEntries():
                self.state.locks[PAUSED] = "paused by the operator"
                out.effects.append(SetFlag(PAUSED, "1"))
                return ""
            case ResumeEntries():
                return self._resume(out)
            case ArmFlatten():
                self.flatten.arm(out)
                return ""
            case FlattenAll():
                return "" if self.flatten.start(out) else "a flatten is running already"

    def _close(self, symbol: str, percent: int, out: Outbox) -> str:
        if not 1 <= percent <= 100:
            return f"percent must be 1 to 100, not {percent}"
        return self.sending.close(symbol, percent, "operator", OrderRole.CLOSE, out)

    def _resume(self, out: Outbox) -> str:
        if self.flatten.flatten.is_running:
            return "a flatten is running; entries stay off until it is done"
        if self.day_loss.is_holding:
            return f"{self.state.locks[DAY_LOSS]}; it holds until the exchange's next day"
        if self.flatten.flatten.state is FlattenState.ARMED:
            self.flatten.flatten.state = FlattenState.OFF
        self.ledger.accept(out)
        for lock, flag in OPERATOR_CLEARS.items():
            if self.state.locks.pop(lock, None) is not None:
                out.effects.append(SetFlag(flag, ""))
        if KEY in self.state.locks:
            if (self.state.reconciled_ns or 0) <= self.state.key_refused_ns:
                return f"{self.state.locks[KEY]}; the exchange has not taken it since"
            del self.state.locks[KEY]
        return ""

    def _set_approval(self, approval: Approval, out: Outbox) -> str:
        """A stricter approval than the configured one outlives this engine; a looser one ends with it."""
        if approval is Approval.AUTO and self._configured is not Approval.AUTO:
            return "automatic approval needs an engine started with --auto"
        self.state.approval = approval
        out.effects.append(SetFlag(APPROVAL_FLAG, approval.value if self._is_stricter(approval) else ""))
        return ""

    @property
    def _configured(self) -> Approval:
        return self.state.settings.engine.approval

    def _is_stricter(self, approval: Approval) -> bool:
        return STRICTEST_FIRST.index(approval) < STRICTEST_FIRST.index(self._configured)

    def _shutdown(self, command: Shutdown, out: Outbox) -> str:
        if command.flatten:
            self.flatten.start(out)
            self._shutdown_when_flat = True
            return ""
        entries = {order.symbol for order in self.state.orders.live_entries()}
        symbols = sorted(self.state.positions.symbols() | entries)
        if symbols and not command.leave_protected:
            return f"open position or entry in {', '.join(symbols)}: say --leave-protected or --flatten"
        if self.flatten.flatten.is_running and not command.leave_protected:
            return "a flatten is running: wait for it, or say --leave-protected and it goes on at the next start"
        self._end_engine("stopped by the operator", out)
        return ""

    def _end_engine(self, reason: str, out: Outbox) -> None:
        self.signals.expire_all("the engine was stopped", out)
        out.effects.append(EndEngine(reason))
