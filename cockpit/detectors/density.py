"""Placeholder until the detector lands; names others import already."""

from cockpit.detectors.wall import Wall, WallEvent

__all__ = ["Wall", "WallEvent"]
