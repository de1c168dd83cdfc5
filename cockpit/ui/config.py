"""What a user may choose about the screen and its keys."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Confirm = Literal["fast", "normal", "strict"]


class UiConfig(BaseModel):
    """The ``[ui]`` section."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    theme: str = "dark"
    """Name of a theme: dark, light, cb, mono, term16, or a file of the user's own theme folder."""
    fps: float = Field(default=10, ge=1, le=30)
    """Frames a second."""
    low_bandwidth: bool = False
    """Four frames a second and 256 colours, for thin links."""
    low_bandwidth_fps: float = Field(default=4, ge=1, le=30)
    """Frames a second with low_bandwidth."""
    glyphs: Literal["auto", "blocks", "ascii"] = "auto"
    """Drawing characters; auto takes ASCII where the terminal's locale is not UTF-8."""
    quiet_ms: int = Field(default=80, ge=20, le=500)
    """An action key acts only when no other key came within this time before or after it."""
    confirm: Confirm = "normal"
    """How much is asked before an action: fast, normal or strict. Flatten is two presses at every level."""
    mouse: bool = False
    """Read the mouse. Off: each motion is a sequence that a bad link can break into keys."""
    bell: bool = True
    """Ring the terminal's bell when a signal arrives (``m`` mutes)."""
    layout: Literal["auto", "one", "four"] = "auto"
    """One ladder or four where the screen has room for four."""
    recentre_edge_percent: int = Field(default=25, ge=5, le=45)
    """The ladder recentres when the touch comes this close to its edge, in percent of its rows."""
    recentre_rows: int = Field(default=10, ge=3, le=100)
    """... or when the touch is this many rows away from the centre line."""
    late_ms: int = Field(default=500, ge=50, le=60_000)
    """Market data older than this says LATE."""
    min_seen_ms: int = Field(default=400, ge=100, le=5_000)
    """A card that has been on screen for less than this cannot be approved."""


class KeysConfig(BaseModel):
    """The ``[keys]`` section: action id to keys, as in ``"signal.approve" = ["a"]`` or ``signal.approve = "a"``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    bindings: dict[str, tuple[str, ...]] = {}
    """Keys of each action that differs from the default."""

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or set(raw) == {"bindings"}:
            return raw
        return {"bindings": _flat(raw, "")}


def _flat(table: dict[str, Any], prefix: str) -> dict[str, Any]:
    """A nested TOML table as one of dotted names; a single key may stand without its list."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = (value,) if isinstance(value, str) else value
    return flat
