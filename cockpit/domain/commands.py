"""What an operator may ask of the engine. The engine is the only judge; every command is answered."""

from __future__ import annotations

import msgspec

from cockpit.domain.enums import Approval
from cockpit.domain.ids import SignalId


class ApproveSignal(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Send the ticket of a signal as it stood on screen; refused if its content changed since."""

    signal_id: SignalId
    content_hash: str
    """Hash of the ticket that the operator saw."""


class RejectSignal(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Take a signal off the queue."""

    signal_id: SignalId
    reason: str = ""


class SnoozeSignal(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Keep a signal 30 s longer."""

    signal_id: SignalId


class ClosePosition(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Close a position, reduce-only. The size is taken from the position when the order is made."""

    symbol: str
    percent: int = 100


class MoveStopToBreakeven(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Stop to entry plus fees; refused unless that lowers the risk."""

    symbol: str


class ProtectPosition(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Put a stop at the configured distance behind a foreign position that has none."""

    symbol: str


class CancelEntryOrders(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Cancel the entry orders of a symbol ("" = of all); protective stops stay."""

    symbol: str = ""


class PauseEntries(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """No new entries until resumed. Exits and protection go on."""


class ResumeEntries(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Allow entries again (other locks stay)."""


class ArmFlatten(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """First press of the flatten key: entries off, entry orders cancelled, nothing closed."""


class FlattenAll(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Close everything and keep at it until the exchange says zero."""


class SetApproval(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Change who approves signals."""

    approval: Approval


class Shutdown(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """End the engine. Refused with an open position unless one of the two policies is named."""

    leave_protected: bool = False
    flatten: bool = False


Command = (
    ApproveSignal
    | RejectSignal
    | SnoozeSignal
    | ClosePosition
    | MoveStopToBreakeven
    | ProtectPosition
    | CancelEntryOrders
    | PauseEntries
    | ResumeEntries
    | ArmFlatten
    | FlattenAll
    | SetApproval
    | Shutdown
)


class OperatorCommand(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A command with who gave it and what was on screen."""

    command_id: str
    operator: str
    """Name of the attached client, or "engine" for the engine's own signal handling."""
    command: Command
    seen: str = ""
    """What was on the operator's screen, in words; stored with the action."""
    ts_recv: int
