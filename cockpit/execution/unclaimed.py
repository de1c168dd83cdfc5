"""What the exchange says of positions that no execution of ours explains (yet): the last word, and the first.

Which word is old is decided here; what an execution does to a position is in ``positions``.
"""

from __future__ import annotations

from cockpit.domain.positions import FillReport, PositionReport


class UnclaimedPositions:
    """Reports of symbols in which no position is booked."""

    def __init__(self, last_seqs: dict[str, int] | None = None) -> None:
        """Begin with the newest sequence of the booked executions by symbol: older reports tell of the past."""
        self.held: dict[str, PositionReport] = {}
        """By symbol, the newest word on what is held."""
        self._closed_seq = last_seqs or {}
        self._first: dict[str, PositionReport] = {}
        """By symbol, the first word: fills that are newer come on top of that."""
        self._flat_seq: dict[str, int] = {}
        """By symbol of these, the sequence of the first word that it was flat again: what is newer is another one."""

    def is_told(self, symbol: str) -> bool:
        """True if the exchange has told of a position that was not explained since, flat again or not."""
        return symbol in self._first

    def base_of(self, fill: FillReport) -> PositionReport | None:
        """What the exchange told first of the position that a fill changes, None if it was flat again before."""
        flat_seq = self._flat_seq.get(fill.symbol)
        return self._first.get(fill.symbol) if flat_seq is None or fill.seq <= flat_seq else None

    def on_report(self, report: PositionReport) -> None:
        """The exchange's word on a symbol in which nothing is booked."""
        known = self.held.get(report.symbol)
        newest = max(self._closed_seq.get(report.symbol, -1), -1 if known is None else known.seq)
        if report.seq < newest:
            return
        if report.qty == 0:
            self.held.pop(report.symbol, None)  # the fills that closed it may still come, and need its base
            if report.symbol in self._first:
                self._flat_seq.setdefault(report.symbol, report.seq)
        else:
            self.note(report)

    def note(self, report: PositionReport) -> None:
        """Something is held."""
        self.held[report.symbol] = report
        self._first.setdefault(report.symbol, report)

    def claim(self, symbol: str) -> PositionReport | None:
        """A position is booked, or has ended: forget what was told of the symbol. Returns the last word."""
        self._first.pop(symbol, None)
        self._flat_seq.pop(symbol, None)
        return self.held.pop(symbol, None)

    def void_before(self, symbol: str, seq: int) -> None:
        """A position has ended with this sequence, or no earlier: older words are of the past."""
        self._closed_seq[symbol] = max(self._closed_seq.get(symbol, -1), seq)
