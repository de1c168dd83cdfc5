"""Sizes and ages in few characters, alike in what the engine writes and what the screen draws. Pure."""

from __future__ import annotations


def size6(value: float) -> str:
    """A size in at most six characters: ``1.23b``, ``45.6k``, ``1.23k``, ``412``, ``12.3``, ``1.23``, ``0.123``."""
    amount = abs(value)
    if amount >= 1e9:
        text = f"{amount / 1e9:.2f}b"
    elif amount >= 999_950:
        text = f"{amount / 1e6:.2f}m"
    elif amount >= 9_995:
        text = f"{amount / 1e3:.1f}k"
    elif amount >= 999.5:
        text = f"{amount / 1e3:.2f}k"
    elif amount >= 99.95:
        text = f"{amount:.0f}"
    elif amount >= 9.995:
        text = f"{amount:.1f}"
    elif amount >= 0.9995:
        text = f"{amount:.2f}"
    else:
        text = f"{amount:.3f}"
    return f"-{text}" if value < 0 else text


def size5(value: float) -> str:
    """``size6`` in at most five characters, with fewer digits from 100 000 on."""
    text = size6(value)
    if len(text) <= 5:
        return text
    return f"{value / 1e3:.0f}k" if value < 999_500 else f"{value / 1e6:.1f}m" if value < 1e9 else f"{value / 1e9:.1f}b"


def signed(value: float) -> str:
    """A change in at most six characters, always with its sign."""
    amount = abs(value)
    return ("-" if value < 0 else "+") + (f"{amount:.2f}" if amount < 1 else size5(amount))


def age(seconds: float) -> str:
    """An age in at most five characters: ``31s``, ``1m03``, ``9h44``, ``2d03``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02d}"
