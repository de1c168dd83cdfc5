"""As much of a terminal as the screen uses: where which character stands after a stream of bytes."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b\[(?P<args>[0-9;?<>=]*)(?P<inter>[ -/]*)(?P<final>[@-~])"
    r"|\x1b(?P<esc>[()][A-Z0-9]|[=>78cDEHMNOZ])"
    r"|(?P<control>[\x00-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)


class Screen:
    """A grid of single-width characters."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.grid = [[" "] * columns for _ in range(rows)]
        self.unknown: set[str] = set()
        self.finals: set[str] = set()
        self._x = self._y = 0

    def feed(self, data: bytes) -> None:
        text = data.decode("utf-8")
        end = 0
        for found in _TOKEN.finditer(text):
            if found.start() != end:
                self.unknown.add(text[end : found.start()])
            end = found.end()
            if found["text"] is not None:
                self._put(found["text"])
            elif found["final"] is not None:
                self._control(found["final"], found["args"])
            elif found["control"] == "\n":
                self._y = min(self._y + 1, self.rows - 1)
            elif found["control"] == "\r":
                self._x = 0

    @property
    def text(self) -> list[str]:
        return ["".join(row) for row in self.grid]

    def _put(self, text: str) -> None:
        for character in text:
            if self._x < self.columns:
                self.grid[self._y][self._x] = character
                self._x += 1

    def _control(self, final: str, args: str) -> None:
        self.finals.add(final)
        numbers = [int(part) if part else 1 for part in args.lstrip("?<>=").split(";")]
        if final == "H":
            row, column = (*numbers, 1)[:2]
            self._y, self._x = min(row, self.rows) - 1, min(column, self.columns) - 1
        elif final == "C":
            self._x = min(self._x + numbers[0], self.columns - 1)
        elif final == "J":
            self.grid = [[" "] * self.columns for _ in range(self.rows)]
        elif final not in "mhlpuq":
            self.unknown.add(f"CSI {args}{final}")
