"""What the program tells the person at the terminal: narration on stderr, so that stdout stays data."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

import click
import msgspec

from cockpit.domain.text import safe
from cockpit.domain.time import NS_PER_S
from cockpit.ports.clock import Clock

LONGEST_LINE = 4_000
"""Characters of a line of narration; what is longer is not meant for people."""

_REDRAW_NS = NS_PER_S // 5
_TURNS = "|/-\\"


def say(text: str) -> None:
    """Narration on stderr: one line, or a few."""
    _narrate(shown(text))


def say_error(text: str) -> None:
    """A failure on stderr."""
    _narrate(click.style("cockpit: ", fg="red", bold=True) + shown(text))


def _narrate(words: str) -> None:
    """Words that nobody can get (disk full, terminal gone, reader left) never end the work they tell of."""
    with suppress(OSError):
        click.echo(words, err=True)


def tell(text: str) -> None:
    """Words for people on stdout: one line, or a few."""
    click.echo(shown(text))


def tell_json(value: Any) -> None:
    """One JSON value on stdout, in ASCII: whole for a program, and nothing that a terminal would obey."""
    click.echo(json.dumps(msgspec.json.decode(msgspec.json.encode(value)), separators=(",", ":")))


def shown(text: str) -> str:
    """``text`` with every line made safe for a terminal; line breaks stay."""
    return "\n".join(safe(line, LONGEST_LINE) for line in text.split("\n"))


class Progress:
    """A line on stderr that is rewritten while something counts up; silent where stderr is no terminal."""

    def __init__(self, noun: str, clock: Clock) -> None:
        self.count = 0
        self._noun = noun
        self._clock = clock
        self._started_ns = clock.monotonic_ns()
        self._drawn_ns = self._started_ns
        self._is_shown = sys.stderr.isatty()
        self._turns = 0

    @property
    def seconds(self) -> float:
        """Since the start."""
        return (self._clock.monotonic_ns() - self._started_ns) / NS_PER_S

    def step(self, detail: str = "") -> None:
        """Count one; redraw a few times a second."""
        self.count += 1
        if self._is_shown and not self.count % 64:
            self._redraw(detail)

    def done(self) -> None:
        """Remove the line and say the total and the rate."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
        seconds = max(self.seconds, 1e-9)
        say(f"{self.count:,} {self._noun} in {seconds:.2f} s = {self.count / seconds:,.0f} {self._noun}/s")

    def _redraw(self, detail: str) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._drawn_ns < _REDRAW_NS:
            return
        self._drawn_ns = now_ns
        self._turns += 1
        rate = self.count / max(self.seconds, 1e-9)
        turn = _TURNS[self._turns % len(_TURNS)]
        sys.stderr.write(f"\r\x1b[K{turn} {self.count:,} {self._noun}  {rate:,.0f}/s  {safe(detail)}")
        sys.stderr.flush()
