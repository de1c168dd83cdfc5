"""What a pane's builder may look at, and the small pieces that several panes share. Pure."""

from __future__ import annotations

import msgspec

from cockpit.ui.config import UiConfig
from cockpit.ui.format import Glyphs, thousands
from cockpit.ui.heat import Heat
from cockpit.ui.keymap import BY_ID, KeyMap
from cockpit.ui.layout import Plan
from cockpit.ui.lines import Cell, Line, fit, spread
from cockpit.ui.safe import cells
from cockpit.ui.store import Store, UiState
from cockpit.views import texts
from cockpit.views.frames import Hello
from cockpit.views.model import GateView, HeaderView

WIDE_PLANS = {"dom", "four"}
SHORT_NAME = 6
"""Cells that a gate's name has in any case."""
SHORT_VALUE = 8
"""Cells that a gate's value has in any case; a longer one needs the threshold's."""


class Look(msgspec.Struct, frozen=True):
    """Everything a frame is drawn from."""

    store: Store
    state: UiState
    now: float
    """Monotonic seconds."""
    config: UiConfig
    glyphs: Glyphs
    keys: KeyMap
    hello: Hello
    """What the engine said of itself; stands in until its header comes."""
    heat: Heat
    symbol: str
    """Of the ladder or flow being drawn."""
    plan: Plan
    """Places of the screen being drawn."""
    flatten_until: float | None = None
    """Until when the flatten key fires, None when not armed."""
    folder: str = ""
    """`` --data-dir FOLDER`` behind every command that is named, "" for the default folder."""

    @property
    def is_wide(self) -> bool:
        """True where there is room to tell of every ladder by itself."""
        return self.plan.name in WIDE_PLANS

    @property
    def may_command(self) -> bool:
        """False for an observer, and while another screen is in control; flatten alone passes then."""
        return not self.keys.is_observer and self.store.is_controller


def header_of(look: Look) -> HeaderView:
    """The engine's header, or what its greeting told before the first one came: environment and source always show."""
    hello = look.hello
    return look.store.header or HeaderView(
        environment=hello.environment.upper(), source=hello.source, symbols=list(hello.symbols), preset=hello.preset
    )


def title(look: Look, text: str, width: int, *legend: tuple[str, str], acts: bool = True) -> Line:
    """A pane's first row: its name and its own keys (action id, words), dim while they would do nothing."""
    right: list[Cell] = []
    for action, words in legend:
        key = look.keys.shown(action) if look.may_command or not BY_ID[action].is_money else ""
        if key:
            right += [(f" {key}", "key" if acts else "faint"), (f" {words}", "faint")]
    return spread(((text, "title"),), tuple(right), width)


def price(text: str) -> str:
    """A price text of a view with its thousands apart; anything else as it came."""
    plain = text.removeprefix("-")
    return thousands(text) if plain.replace(".", "", 1).isdigit() else text


def signed_style(text: str) -> str:
    """Profit, loss or neither, by the sign that the text carries."""
    if text.startswith("-"):
        return "loss"
    return "profit" if any(digit in text for digit in "123456789") else "text"


def gate_cells(look: Look, gate: GateView, width: int) -> Line:
    """One gate: sign, name, value against threshold. The sign says it without colour."""
    gate = shown_gate(look, gate)
    sign, style = {
        "ok": (look.glyphs.ok, "ok"),
        "fail": (look.glyphs.bad, "bad"),
    }.get(gate.state, (look.glyphs.unknown, "dim"))
    value = gate.value if gate.state in {"ok", "fail"} else gate.value or gate.state
    value_style = "bad" if gate.state == "fail" else ("text" if gate.state == "ok" else "dim")
    name, shown, threshold = gate_words(msgspec.structs.replace(gate, value=value), width - 2, 9)
    return ((f"{sign} ", style), (name, "dim"), (shown, value_style), (threshold, "faint"))


def exit_cells(look: Look, rule: GateView, width: int) -> Line:
    """One exit rule: nothing to remark while it is not reached, a warning once it is; value against threshold."""
    is_reached = rule.state == "fail"
    sign, style = (look.glyphs.warning, "warn") if is_reached else (look.glyphs.unknown, "dim")
    name, shown, threshold = gate_words(rule, width - 2, 9)
    return ((f"{sign} ", style), (name, "dim"), (shown, style if rule.state != "ok" else "text"), (threshold, "faint"))


def shown_gate(look: Look, gate: GateView) -> GateView:
    """An entry gate in the words of the header and the ladder, and what is needed once."""
    value, threshold = gate.value, gate.threshold
    if gate.name == "state" and header_of(look).entries == texts.ENTRIES_PAUSED:
        value = value.removeprefix(texts.STATE_LOCKED)
    if threshold == value:
        threshold = ""
    elif threshold and threshold[0] not in "<>=":
        threshold = texts.NEEDED.format(threshold=threshold)
    name = texts.GATE_NAMES.get(gate.name, gate.name)
    return msgspec.structs.replace(gate, name=name, value=value, threshold=threshold)


def gate_words(gate: GateView, width: int, needed: int) -> tuple[str, str, str]:
    """Name, value and threshold of a gate in ``width`` cells, at least the last ``needed`` of them the threshold's.

    The value stands at the right of its name. Neither value nor threshold is cut while there is room for a word of the
    name; where there is not, the value takes the threshold's place: what is wrong comes before what is needed.
    """
    needed = max(needed, cells(gate.threshold) + 1)
    room = width - needed
    taken, name = cells(gate.value), cells(gate.name)
    has_room = room - taken - 1 >= min(name, SHORT_NAME)
    if has_room and taken <= max(SHORT_VALUE, room - name - 1):
        return fit(gate.name, room - taken - 1), f" {fit(gate.value, taken)}", f" {fit(gate.threshold, needed - 1)}"
    return fit(gate.name, min(name, width // 2)), fit(f" {gate.value}", width - min(name, width // 2)), ""


def gate_order(gates: list[GateView]) -> list[GateView]:
    """Failing gates first, then those without data, then the rest, each in the engine's order."""
    rank = {"fail": 0, "no data": 1, "warming": 1, "ok": 2, "off": 3}
    return sorted(gates, key=lambda gate: rank.get(gate.state, 1))
