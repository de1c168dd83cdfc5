"""What goes over the wire: how much, and that the terminal shows what the panes hold."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec
import pytest

from tests.support.counted_screen import Counted
from tests.support.pty_terminal import PtyTerminal
from tests.support.vt import Screen

FRAMES = 20
BUDGET_KB_S = {(80, 24): 40, (120, 40): 105, (200, 60): 160}
"""At ten frames a second."""


class Drawn:
    """One run of a screen on a terminal."""

    def __init__(self, columns: int, rows: int, result: Path, *words: str) -> None:
        terminal = PtyTerminal("tests.support.counted_screen", ["4", str(FRAMES), str(result), *words], columns, rows)
        try:
            assert terminal.read_until(lambda: terminal.process.poll() is not None, 30)
            while terminal.read():
                pass
        finally:
            terminal.close()
        self.size = (columns, rows)
        self.output = terminal.output
        start, end = self.output.index(b"counted-from-here") + 18, self.output.index(b"\x1b]0;counted-to-here")
        self.body = self.output[start:end]
        self.counted = msgspec.json.decode(result.read_bytes(), type=Counted)

    @property
    def bytes_per_frame(self) -> float:
        return len(self.body) / self.counted.drawn


Draw = Callable[..., Drawn]


@pytest.fixture(scope="module")
def draw(tmp_path_factory: pytest.TempPathFactory) -> Draw:
    """Runs a screen once for each size and kind."""
    return cache(lambda size, *words: Drawn(*size, tmp_path_factory.mktemp("wire") / "result.json", *words))


@pytest.mark.parametrize("size", BUDGET_KB_S, ids=str)
def test_a_second_of_frames_stays_within_its_bytes(size: tuple[int, int], draw: Draw) -> None:
    drawn = draw(size)
    assert drawn.counted.drawn >= FRAMES / 2
    assert drawn.bytes_per_frame * 10 / 1000 < BUDGET_KB_S[size]


@pytest.mark.parametrize("size", BUDGET_KB_S, ids=str)
def test_the_terminal_shows_what_the_panes_hold(size: tuple[int, int], draw: Draw) -> None:
    drawn = draw(size)
    screen = Screen(*size)
    screen.feed(drawn.output[: drawn.output.rindex(b"\x1b[?1049l")])
    assert screen.unknown == set()
    for shown, held in zip(screen.text, drawn.counted.text, strict=True):
        assert shown == held


def test_low_bandwidth_takes_fewer_bytes_a_frame(draw: Draw) -> None:
    assert draw((80, 24), "low").bytes_per_frame < 0.9 * draw((80, 24)).bytes_per_frame
