"""An operator at a session without a terminal: keys at chosen times, through Textual's own parser if wanted."""

from __future__ import annotations

from collections.abc import Sequence

from textual import _parser, events
from textual._xterm_parser import XTermParser

from cockpit.domain.commands import Command
from cockpit.ui import keymap
from cockpit.ui.config import UiConfig
from cockpit.ui.desk import Order
from cockpit.ui.result import ScreenResult
from cockpit.ui.session import Doors, Session
from cockpit.views.frames import CommandReply, ViewFrame
from cockpit.views.model import View, section_of
from tests.support.scripted_scene import Scene

STEP = 0.02
TICK = 0.1
"""Textual's input thread looks at its parser ten times a second."""


class Bench:
    """Time starts at 100 s; every wait polls the session as its timers would."""

    def __init__(
        self,
        views: Sequence[View] | None = None,
        *,
        config: UiConfig | None = None,
        observer: bool = False,
        size: tuple[int, int] = (120, 40),
        symbols: int = 4,
    ) -> None:
        self.now = 100.0
        self.orders: list[Order] = []
        self.ends: list[ScreenResult] = []
        self.size = size
        doors = Doors(send=self.orders.append, theme=lambda name: f"theme {name}", end=self.ends.append)
        keys = keymap.build({}, is_observer=observer)
        self.scene = Scene(symbols)
        self.session = Session(config or UiConfig(), keys, tuple(self.scene.markets), doors)
        self.show(*(self.scene.views() if views is None else views))
        self.wait(1.0)

    def show(self, *views: View) -> None:
        for view in views:
            self.session.heard(ViewFrame(section_of(view), 1, view), self.now)
        self.session.settle(self.size, self.now)

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now = min(end, self.now + STEP)
            self.session.poll(self.now)
            self.session.settle(self.size, self.now)

    def press(self, *keys: str, gap: float = 0.2) -> None:
        """Keys one by one, each with quiet before and after."""
        for key in keys:
            character = key if len(key) == 1 else (" " if key == "space" else None)
            self.session.press(key, character, self.now)
            self.wait(gap)

    def answer(self, *, accepted: bool, reason: str = "") -> None:
        self.session.answered(self.orders[-1], CommandReply("1", accepted, reason), self.now)

    @property
    def commands(self) -> list[Command]:
        return [order.command for order in self.orders]

    @property
    def said(self) -> str:
        note = self.session.state.note
        return "" if note is None else note.text


class Wire:
    """Bytes of a terminal into the session, through Textual's parser, on the bench's clock."""

    def __init__(self, bench: Bench, monkeypatch) -> None:
        monkeypatch.setattr(_parser, "get_time", lambda: bench.now)
        self._bench = bench
        self._parser = XTermParser()

    def send(self, data: str) -> None:
        self._hand_over(self._parser.feed(data))

    def wait(self, seconds: float) -> None:
        left = seconds
        while left > 1e-9:
            step = min(TICK, left)
            self._bench.wait(step)
            left -= step
            self._hand_over(self._parser.tick())

    def _hand_over(self, messages) -> None:
        for message in messages:
            if isinstance(message, events.Key):
                bench = self._bench
                bench.session.press(message.key, message.character, bench.now)
