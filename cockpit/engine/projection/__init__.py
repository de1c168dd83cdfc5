"""Engine state into views. Pure: reads everything, changes nothing, decides nothing."""

from __future__ import annotations

from cockpit.engine.projection.figures import ShellFigures
from cockpit.engine.projection.projection import Projection

__all__ = ["Projection", "ShellFigures"]
