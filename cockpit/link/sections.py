"""The newest view of each section, with its version, encoded at most once however many clients there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cockpit.link.wire import pack
from cockpit.views.frames import ViewFrame
from cockpit.views.model import BookView, FlowView, GatesView, View, section_of


def symbol_of(view: View) -> str | None:
    """The symbol that a client must watch to be sent this view; None if every client gets it."""
    return view.symbol if isinstance(view, BookView | FlowView | GatesView) else None


class Section:
    """One section as it stands."""

    def __init__(self, name: str, version: int, view: View) -> None:
        self.name = name
        self.symbol = symbol_of(view)
        self.frame = ViewFrame(name, version, view)
        self._raw: bytes | None = None

    @property
    def raw(self) -> bytes:
        """The frame's bytes, encoded when first asked for."""
        if self._raw is None:
            self._raw = pack(self.frame)
        return self._raw


class Sections:
    """All sections. A view equal to the one before changes nothing."""

    def __init__(self) -> None:
        self._latest: dict[str, Section] = {}
        self._versions: dict[str, int] = {}

    def changed(self, views: Iterable[View]) -> list[Section]:
        """Take new views; the sections that differ from what was known."""
        changed = []
        for view in views:
            name = section_of(view)
            known = self._latest.get(name)
            if known is not None and known.frame.view == view:
                continue
            self._versions[name] = self._versions.get(name, 0) + 1
            self._latest[name] = Section(name, self._versions[name], view)
            changed.append(self._latest[name])
        return changed

    def shown_to(self, watched: frozenset[str]) -> Iterator[Section]:
        """Everything that a client watching these symbols sees now."""
        return (section for section in self._latest.values() if section.symbol is None or section.symbol in watched)

    def forget(self) -> None:
        """Forget all views, but not their versions: while nobody looks none is renewed, and no old one may be shown."""
        self._latest.clear()

    def keep_symbols(self, watched: frozenset[str]) -> None:
        """Forget symbols that nobody watches: their views are no longer renewed and must not be shown later."""
        self._latest = {section.name: section for section in self.shown_to(watched)}
