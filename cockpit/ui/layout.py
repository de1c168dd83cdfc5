"""Where each pane stands at each size of terminal. Pure: numbers in, rectangles out."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

HEADER, LADDER, FRAME = "header", "ladder", "frame"
LOG_LINE, ALERT, KEYS, PLACARD = "log_line", "alert", "keys", "placard"
TOO_SMALL = "too_small"


Panes = tuple[tuple[str, int], ...]
"""Panes under each other with their heights; 0 takes what is left."""


class Slot(msgspec.Struct, frozen=True):
    """One pane's place, in cells."""

    pane: str
    x: int
    y: int
    width: int
    height: int
    index: int = 0
    """Which of several panes of the kind: the ladder's number."""


class Plan(msgspec.Struct, frozen=True):
    """All places of one screen."""

    name: str
    slots: tuple[Slot, ...]
    ladder_style: str = "scalp"
    ladders: int = 1
    pages: tuple[str, ...] = ()
    """Pages of the panel, empty where it has none."""

    def slot(self, pane: str) -> Slot | None:
        """The first place of a pane, None where the plan has none."""
        return next((slot for slot in self.slots if slot.pane == pane), None)


TRADE_80 = (("signals", 0), ("positions", 5), ("flow", 2), ("risk", 1))
PAGES_80 = {
    "TRADE": TRADE_80,
    "WALLS": (("walls", 0), ("wall_map", 9)),
    "ORDERS": (("orders", 0), ("tasks", 8), ("links", 3)),
    "TAPE": (("tape", 0), ("flow", 6)),
    "LOG": (("log", 0),),
}
PAGES_120 = {
    "TRADE": (("signals", 15), ("positions", 0), ("walls", 5), ("orders", 3), ("risk", 3), ("links", 2)),
    "WALLS": (("positions", 7), ("walls", 0), ("wall_map", 13)),
    "ORDERS": (("positions", 6), ("orders", 0), ("tasks", 12), ("links", 3)),
    "LOG": (("positions", 7), ("log", 0)),
}
MIDDLE_120 = (("tape", 0), ("flow", 13))
PAGES_200 = {
    "TRADE": (
        ("signals", 17), ("wall_map", 0), ("positions", 8), ("orders", 4), ("risk", 5), ("flow", 7), ("links", 3),
    ),
    "WALLS": (("positions", 8), ("walls", 0), ("wall_map", 18)),
    "ORDERS": (("positions", 8), ("orders", 0), ("risk", 8), ("tasks", 14), ("links", 3)),
    "TAPE": (("positions", 8), ("tape", 0), ("flow", 13)),
}  # fmt: skip
BELOW_200 = (("watch", 0), ("log", 10))
BELOW_WIDTH = 62

SCALP_WIDTH, DOM_WIDTH, PANEL_WIDTH = 47, 67, 33


def plan(width: int, height: int, *, page: str = "TRADE", symbols: int = 1, layout: str = "auto") -> Plan:
    """The best screen that fits ``width`` x ``height`` cells.

    Args:
        width: columns.
        height: rows.
        page: page of the panel; where it has no such page, its first.
        symbols: how many symbols there are to show.
        layout: ``one`` keeps a single ladder where four would fit.
    """
    if width >= 200 and height >= 50 and symbols > 1 and layout != "one":
        return _four(width, height, page, min(4, symbols))
    if width >= 120 and height >= 30:
        return _dom(width, height, page)
    if width >= 80 and height >= 24:
        return _scalp(width, height, page)
    if width >= 60 and height >= 16:
        return _small(width, height)
    if width >= 40 and height >= 8:
        return _tiny(width, height)
    return Plan("placard", (Slot(PLACARD, 0, 0, max(width, 1), max(height, 1)),), ladders=0)


def _ends(width: int, height: int) -> list[Slot]:
    """Header above; newest story, alert line and key bar below."""
    return [
        Slot(HEADER, 0, 0, width, 1),
        Slot(LOG_LINE, 0, height - 3, width, 1),
        Slot(ALERT, 0, height - 2, width, 1),
        Slot(KEYS, 0, height - 1, width, 1),
    ]


def _column(panes: Panes, x: int, y: int, width: int, height: int) -> list[Slot]:
    """Panes under each other; height 0 takes what is left. Panes that find no room are left out, the last first."""
    kept = list(panes)
    while kept and sum(rows or 4 for _, rows in kept) > height:
        kept.pop()
    rest = height - sum(rows for _, rows in kept)
    slots: list[Slot] = []
    for pane, rows in kept:
        taken = rows or rest
        slots.append(Slot(pane, x, y, width, taken))
        y += taken
    return slots


def _scalp(width: int, height: int, page: str) -> Plan:
    panel = width - SCALP_WIDTH
    body = height - 4
    slots = [
        *_ends(width, height),
        Slot(LADDER, 0, 1, SCALP_WIDTH, body),
        Slot(FRAME, SCALP_WIDTH, 1, 1, body),
        *_column(_page(PAGES_80, page), SCALP_WIDTH + 1, 1, panel - 1, body),
    ]
    return Plan("scalp", tuple(slots), pages=tuple(PAGES_80))


def _page(pages: Mapping[str, Panes], page: str) -> Panes:
    return pages.get(page, pages["TRADE"])


def _dom(width: int, height: int, page: str) -> Plan:
    body = height - 4
    extra = width - 120
    ladder = DOM_WIDTH + extra // 3
    panel = PANEL_WIDTH + extra // 2
    middle_x = ladder + 1
    panel_x = width - panel + 1
    slots = [
        *_ends(width, height),
        Slot(LADDER, 0, 1, ladder, body),
        Slot(FRAME, ladder, 1, 1, body),
        *_column(MIDDLE_120, middle_x, 1, panel_x - 1 - middle_x, body),
        Slot(FRAME, panel_x - 1, 1, 1, body, 1),
        *_column(_page(PAGES_120, page), panel_x, 1, panel - 1, body),
    ]
    return Plan("dom", tuple(slots), ladder_style="dom", pages=tuple(PAGES_120))


def _four(width: int, height: int, page: str, ladders: int) -> Plan:
    body = height - 4
    right = 57 + (width - 200) // 3
    left = width - right
    tall = body * 3 // 5
    each = (left - ladders + 1) // ladders
    slots = _ends(width, height)
    for index in range(ladders):
        x = index * (each + 1)
        last = index == ladders - 1
        slots.append(Slot(LADDER, x, 1, left - x if last else each, tall, index))
        if not last:
            slots.append(Slot(FRAME, x + each, 1, 1, tall, index))
    low, low_y = body - tall, 1 + tall
    picture = left - BELOW_WIDTH - 1
    slots += [Slot("heat", 0, low_y, picture, low), Slot(FRAME, picture, low_y, 1, low, 10)]
    slots += _column(BELOW_200, picture + 1, low_y, BELOW_WIDTH, low)
    slots.append(Slot(FRAME, left, 1, 1, body, 20))
    slots += _column(_page(PAGES_200, page), left + 1, 1, right - 1, body)
    return Plan("four", tuple(slots), ladders=ladders, pages=tuple(PAGES_200))


def _small(width: int, height: int) -> Plan:
    body = height - 3
    panes = (("signals", 0), ("positions", 4), ("walls", max(3, body - 10)), (TOO_SMALL, 1))
    ends = [Slot(HEADER, 0, 0, width, 1), Slot(ALERT, 0, height - 2, width, 1), Slot(KEYS, 0, height - 1, width, 1)]
    return Plan("small", (*ends, *_column(panes, 0, 1, width, body)), ladders=0)


def _tiny(width: int, height: int) -> Plan:
    ends = [Slot(HEADER, 0, 0, width, 1), Slot(ALERT, 0, height - 2, width, 1), Slot(KEYS, 0, height - 1, width, 1)]
    body = height - 3
    panes: Panes = (("positions", 0),)
    if body >= 6:
        panes = (("positions", 0), (TOO_SMALL, 1)) if body < 12 else (("positions", 6), ("log", 0), (TOO_SMALL, 1))
    return Plan("tiny", (*ends, *_column(panes, 0, 1, width, body)), ladders=0)
