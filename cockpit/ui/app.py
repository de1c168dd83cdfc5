"""The Textual application: connects link, keyboard, clock and panes. What keys and views mean is ``session``'s."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual._time import get_time
from textual.app import App
from textual.binding import BindingType

from cockpit.link.client import EngineClient
from cockpit.ui import gone, keymap, terminal, theme
from cockpit.ui.config import KeysConfig, UiConfig
from cockpit.ui.desk import Order
from cockpit.ui.result import ScreenResult
from cockpit.ui.safe import safe
from cockpit.ui.screens.cockpit import CockpitScreen
from cockpit.ui.session import Doors, Session
from cockpit.ui.widgets.look import Look
from cockpit.views import texts

MIDDLE_BUTTON = 2

LOST_TIMER_S = 0.1
"""A key that waits for so long after its time waits for a timer that never comes."""

_END_SIGNALS = (signal.SIGHUP, signal.SIGTERM)


class CockpitApp(App[ScreenResult]):
    """One attachment of one operator.

    Args:
        client: the engine, attached already.
        config: the screen's settings.
        keys: the key map; of an observer without money keys.
        user_themes: folder of the user's own themes.
        folder: as ``Look.folder``.
        environment: variables of the process, for colours and glyphs.
        now: monotonic seconds; by default the clock that stamps Textual's key events.
    """

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        client: EngineClient,
        config: UiConfig,
        keys: keymap.KeyMap,
        *,
        user_themes: Path | None = None,
        folder: str = "",
        environment: Mapping[str, str] | None = None,
        now: Callable[[], float] = get_time,
    ) -> None:
        super().__init__(ansi_color=True)
        variables = os.environ if environment is None else environment
        self._now = now
        self._client = client
        self._config = config
        self._keys = keys
        self._user_themes = user_themes
        self._folder = folder
        self._theme = theme.load(terminal.theme_name(config, variables), user_themes)
        self._glyphs = terminal.glyphs(config, variables)
        doors = Doors(send=self._send_soon, theme=self._use_theme, end=self._end)
        self.session = Session(config, keys, tuple(client.hello.symbols), doors)
        self._watched: tuple[str, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()
        self.frames_drawn = 0
        self.frames_skipped = 0
        self.rows_drawn = 0
        self._cockpit = CockpitScreen(self._look, self._theme, self.session.plan)

    def get_default_screen(self) -> CockpitScreen:
        """The one screen."""
        return self._cockpit

    def on_mount(self) -> None:
        """Start reading the engine and drawing."""
        fps = self._config.low_bandwidth_fps if self._config.low_bandwidth else self._config.fps
        self.set_interval(1 / fps, self._frame)
        self.set_interval(1.0, self._once_a_second)
        self._start(self._listen())

    def _frame(self) -> None:
        """Ten times a second or so: what a lost timer left undone, then a frame."""
        self._make_up_for_lost_timers()
        self.draw_frame()

    def _make_up_for_lost_timers(self) -> None:
        """Textual drops a timer of one shot whose span is over before its task is first run (a suspended machine).

        Lost that way, a new size would be the last one ever seen, and a key that waits would wait for the next key.
        """
        if self._resize_timer is not None and self._resize_event is not None:
            self._check_resize()
        due = self.session.keys_due
        if due is not None and self._now() > due + LOST_TIMER_S:
            self._poll_keys()

    def draw_frame(self) -> None:
        """Show the newest views, unless the terminal still has an earlier frame before it."""
        if not terminal.has_drained(self):
            self.frames_skipped += 1
            return
        self.session.settle(self.size, self._now())
        self._watch_shown()
        self._cockpit.show(self.session.plan, self.session.watched)
        self.rows_drawn += self._cockpit.draw()
        self.frames_drawn += 1
        if self.session.has_new_signal():
            self.bell()

    async def on_event(self, event: events.Event) -> None:
        """Keys go to the operator's keyboard alone: Textual's own bindings never see one. Pastes are dropped."""
        if isinstance(event, events.Key):
            self._after_keys(has_acted=self.session.press(event.key, event.character, event.time))
            return
        if isinstance(event, events.MouseEvent):
            self._mouse(event)
            return
        if isinstance(event, events.Paste):
            return
        if isinstance(event, events.Resize):
            self.session.fit(event.size)
            self._cockpit.show(self.session.plan, self.session.watched)
        await super().on_event(event)

    def _mouse(self, event: events.MouseEvent) -> None:
        """With the mouse on: the middle button centres the ladder, the wheel scrolls it. Nothing else."""
        action = {events.MouseScrollUp: "ladder.up", events.MouseScrollDown: "ladder.down"}.get(type(event))
        if isinstance(event, events.MouseDown) and event.button == MIDDLE_BUTTON:
            action = "ladder.centre"
        if action is not None:
            self.session.view_action(action, self._now())
            self.draw_frame()

    def _after_keys(self, *, has_acted: bool) -> None:
        """Come back when a waiting key is due. As a message, so that keys which came before it are before it."""
        due = self.session.keys_due
        if due is not None:
            self.set_timer(max(0.0005, due - self._now()), self._poll_keys)
        if has_acted:
            # A turn of the loop later: a command that the key meant leaves before the frame that shows it is built.
            asyncio.get_running_loop().call_soon(self.draw_frame)

    def _poll_keys(self) -> None:
        """Let go what is due; a timer that came a moment early asks again."""
        self._after_keys(has_acted=self.session.poll(self._now()))

    def _look(self, symbol: str) -> Look:
        session = self.session
        return Look(
            store=session.store,
            state=session.state,
            now=self._now(),
            config=self._config,
            glyphs=self._glyphs,
            keys=self._keys,
            hello=self._client.hello,
            heat=session.heat,
            symbol=symbol or session.state.symbol,
            plan=session.plan,
            flatten_until=session.flatten_until,
            folder=self._folder,
        )

    def _use_theme(self, name: str) -> str:
        """Use a theme ("" for the next one); what to say about it."""
        names = theme.names(self._user_themes)
        wanted = name or names[(names.index(self._theme.name) + 1) % len(names)]
        if wanted not in names:
            return texts.NO_SUCH_THEME.format(name=wanted, names=", ".join(names))
        self._theme = theme.load(wanted, self._user_themes)
        self._cockpit.retheme(self._theme)
        return texts.THEME_IS.format(name=wanted)

    # Engine

    def _send_soon(self, order: Order) -> None:
        self._start(self._send(order))

    async def _send(self, order: Order) -> None:
        try:
            reply = await self._client.send(order.command, order.seen or order.words)
        except ConnectionError:
            self.session.lost(order, self._now())
        else:
            self.session.answered(order, reply, self._now())

    def _watch_shown(self) -> None:
        """Ask the engine for the books of the ladders that are on screen."""
        if self.session.watched != self._watched:
            self._watched = self.session.watched
            self._start(self._watch(self._watched))

    async def _watch(self, symbols: tuple[str, ...]) -> None:
        with suppress(ConnectionError):  # whoever listens hears the end too, and the engine's last word with it
            await self._client.watch(symbols)

    async def _listen(self) -> None:
        last_word = ""
        try:
            async for event in self._client.events():
                last_word = self.session.heard(event, self._now()) or last_word
        except ConnectionError as error:
            last_word = last_word or str(error)
        self._engine_ended(last_word)

    def _engine_ended(self, reason: str) -> None:
        self.session.engine_ended(reason, self._now())
        until = self.session.state.gone_until
        if until is not None:
            self.set_timer(max(0.0005, until - self._now()), self.session.leave_gone)

    # End

    def _end(self, result: ScreenResult) -> None:
        """Leave once; what was open at the end of the engine stays in the shell."""
        if not self._exit:
            words = gone.farewell(result.positions, self._folder)
            self.exit(result, message=_shell_text(words) if words else None)

    def hang_up(self) -> None:
        """The terminal is gone, or somebody wants the process to end: leave, as a detach does."""
        self.exit(ScreenResult("hung_up"))

    def _once_a_second(self) -> None:
        """Garbage is collected here and not within a frame; and a terminal that is gone ends the screen."""
        gc.collect(1)
        if not self.is_headless and sys.__stdin__ is not None and terminal.is_hung_up(sys.__stdin__.fileno()):
            self.hang_up()

    def _fatal_error(self) -> None:
        """One line in place of Textual's trace with local variables, which may hold anything."""
        words = texts.CRASHED.format(error=type(self._exception).__name__, folder=self._folder)
        self._exit_renderables.append(_shell_text(words))
        self._close_messages_no_wait()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        """A background task that failed ends the screen: it must not go on half alive."""
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._handle_exception(error)


async def run_screen(
    client: EngineClient,
    config: UiConfig,
    keys: KeysConfig,
    *,
    observer: bool,
    user_themes: Path | None = None,
    folder: str = "",
) -> ScreenResult:
    """Show the engine behind ``client`` until the operator leaves or the engine goes; the client is closed at the end.

    Raises:
        ConfigError: a theme or the key map is wrong.
    """
    terminal.prepare(config, os.environ)
    terminal.follow_size(os.environ)
    bound = keymap.build(keys.bindings, is_observer=observer)
    app = CockpitApp(client, config, bound, user_themes=user_themes, folder=folder)
    loop = asyncio.get_running_loop()
    for number in _END_SIGNALS:
        loop.add_signal_handler(number, app.hang_up)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        result = await app.run_async(mouse=config.mouse)
    finally:
        gc.enable()
        gc.unfreeze()
        for number in _END_SIGNALS:
            loop.remove_signal_handler(number)
        await client.aclose()
    return result or ScreenResult("failed", f"{type(app._exception).__name__}: {app._exception}")


def _shell_text(words: str) -> Text:
    """What stays in the shell when the screen has left, each line made safe."""
    return Text("\n".join(safe(line) for line in words.splitlines()))
