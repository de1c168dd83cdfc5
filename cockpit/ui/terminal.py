"""The terminal under the screen: what Textual is told at the start, whether output drains, whether it still exists."""

from __future__ import annotations

import select
from collections.abc import Mapping, MutableMapping
from typing import Any

from textual import constants
from textual.app import App

from cockpit.ui.config import UiConfig
from cockpit.ui.format import ASCII, BLOCKS, Glyphs

SSH_ESCAPE_DELAY_S = 0.25
"""Over SSH the rest of an escape sequence may be late; longer than this and its parts come as keys."""


def prepare(config: UiConfig, environment: Mapping[str, str]) -> None:
    """Set what Textual reads once: escape delay, animations, colours, and no reports that a bad link could break.

    Single-byte keys survive a bad link, key reports do not, so the kitty protocol and in-band resizing stay off.
    """
    tuned: Any = constants
    tuned.TEXTUAL_ANIMATIONS = "none"
    tuned.DISABLE_KITTY_KEY = True
    tuned.SMOOTH_SCROLL = False
    if "SSH_CONNECTION" in environment and "ESCDELAY" not in environment:
        tuned.ESCAPE_DELAY = SSH_ESCAPE_DELAY_S
    if config.low_bandwidth and "TEXTUAL_COLOR_SYSTEM" not in environment:
        tuned.COLOR_SYSTEM = "256"


def follow_size(environment: MutableMapping[str, str]) -> None:
    """Ask the terminal itself for its size from now on.

    A shell that exports COLUMNS and LINES freezes them: Textual and Rich believe them more than the terminal, and the
    screen would keep the size of its start for ever.
    """
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)


def glyphs(config: UiConfig, environment: Mapping[str, str]) -> Glyphs:
    """Drawing characters for the terminal; ASCII where its locale is not UTF-8 or it is a dumb one."""
    if config.glyphs != "auto":
        return ASCII if config.glyphs == "ascii" else BLOCKS
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    is_utf8 = "utf-8" in locale.lower() or "utf8" in locale.lower()
    return BLOCKS if is_utf8 and environment.get("TERM") != "dumb" else ASCII


def theme_name(config: UiConfig, environment: Mapping[str, str]) -> str:
    """The configured theme, or ``mono`` where colour is unwanted (NO_COLOR) or unknown (a dumb terminal)."""
    return "mono" if environment.get("NO_COLOR") or environment.get("TERM") == "dumb" else config.theme


def has_drained(app: App[Any]) -> bool:
    """True unless the terminal still has output of an earlier frame before it.

    Textual's writer queue blocks the loop when it is full; a frame into a queue that is not empty would show the past.
    """
    writer = getattr(getattr(app, "_driver", None), "_writer_thread", None)
    return writer is None or writer._queue.qsize() == 0


def is_hung_up(fileno: int) -> bool:
    """True once the terminal behind ``fileno`` is gone."""
    poller = select.poll()
    try:
        poller.register(fileno, 0)
        return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poller.poll(0))
    except OSError:
        return True
