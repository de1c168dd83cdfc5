"""Runs a ``cockpit`` command with stopwatches at its doors: ``python -m bench.stamped OUT.json COMMAND ...``.

The program itself is unchanged; a few of its methods are wrapped from outside. At the end of the process the stamps are
written to OUT. All stamps are microseconds of the monotonic clock, which the processes of a machine share.
"""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from pathlib import Path
from typing import Any

import msgspec


class Stamps(msgspec.Struct):
    """What a stamped process has seen."""

    sent: list[int] = []
    """``seq`` of each book frame: when the load server sent it."""
    decided: list[int] = []
    """When the runner had taken it through the core and had started its effects."""
    commands: list[int] = []
    """When the engine had judged each operator command."""
    orders: list[int] = []
    """When each order went to the exchange's adapter: the order call."""
    answers: list[tuple[int, int]] = []
    """(order call, how long until its answer) of every order that was answered with yes."""
    blocks: list[tuple[int, int]] = []
    """(when, how long) of every turn of the screen's event loop that took 0.2 ms or more."""
    frames: int = 0
    """Frames that the screen drew."""
    skipped: int = 0
    """Frames that it left out because the terminal had not drained."""


def now_us() -> int:
    """Monotonic clock, microseconds."""
    return time.monotonic_ns() // 1000


def watch_engine() -> Any:
    """Stamp what the engine handles; returns a function that gives the stamps."""
    from cockpit.adapters.bybit.venue import BybitVenue
    from cockpit.domain.commands import OperatorCommand
    from cockpit.domain.market import BookDelta
    from cockpit.engine.runner import Runner

    sent, decided, commands, orders = array("q"), array("q"), array("q"), array("q")
    answers: list[tuple[int, int]] = []
    handle, submit = Runner.handle, BybitVenue.submit

    def stamped_handle(self: Runner, event: Any) -> Any:
        step = handle(self, event)
        if type(event) is BookDelta:
            sent.append(event.seq)
            decided.append(now_us())
        elif type(event) is OperatorCommand:
            commands.append(now_us())
        return step

    async def stamped_submit(self: BybitVenue, intent: Any, path: Any) -> str:
        start = now_us()
        orders.append(start)
        order_id = await submit(self, intent, path)
        answers.append((start, now_us() - start))
        return order_id

    Runner.handle, BybitVenue.submit = stamped_handle, stamped_submit  # type: ignore[method-assign]
    return lambda: Stamps(
        sent=list(sent), decided=list(decided), commands=list(commands), orders=list(orders), answers=answers
    )


def watch_screen() -> Any:
    """Stamp how long the screen's event loop is busy at a stretch; returns a function that gives the stamps."""
    from cockpit.ui.app import CockpitApp

    blocks: list[tuple[int, int]] = []
    apps: list[CockpitApp] = []
    run, mounted = asyncio.events.Handle._run, CockpitApp.on_mount

    def timed_run(self: asyncio.events.Handle) -> None:
        start = now_us()
        run(self)
        spent = now_us() - start
        if spent >= 200:
            blocks.append((start, spent))

    def noted_mount(self: CockpitApp) -> None:
        apps.append(self)
        mounted(self)

    asyncio.events.Handle._run = timed_run  # type: ignore[method-assign]
    CockpitApp.on_mount = noted_mount  # type: ignore[method-assign]
    return lambda: Stamps(
        blocks=blocks,
        frames=sum(app.frames_drawn for app in apps),
        skipped=sum(app.frames_skipped for app in apps),
    )


def main() -> int:
    """Run the command, write the stamps."""
    out, arguments = Path(sys.argv[1]), sys.argv[2:]
    stamps = watch_screen() if "attach" in arguments else watch_engine()
    from cockpit.cli.main import exit_code

    code = exit_code(arguments)
    out.write_bytes(msgspec.json.encode(stamps()))
    return code


if __name__ == "__main__":
    sys.exit(main())
