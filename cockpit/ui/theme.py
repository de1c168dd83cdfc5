"""Themes: TOML files that give every style name of the screen its look. Shipped ones and the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from rich.errors import StyleSyntaxError
from rich.style import Style

from cockpit.domain.errors import ConfigError
from cockpit.ui.spelling import hint
from cockpit.views import texts

_NAMES = """
text dim faint strong title key rule frame header header_warn header_bad
bid ask bid_bar ask_bar bid_price ask_price price touch round wall_bid wall_ask wall2_bid wall2_ask
buy sell large own own_sent mark entry centre flash spark spark2
profit loss ok warn bad off stale curtain
env_sim env_paper env_demo env_testnet env_live env_replay
alert_info alert_warn alert_bad armed dialog dialog_key dialog_title dialog_ok dialog_bad dialog_dim input
"""

STYLES = frozenset(_NAMES.split())
"""Every style name that a theme must define."""


class Theme:
    """Looks by style name.

    Args:
        name: how users call it.
        styles: a Rich style for each of ``STYLES``.
    """

    def __init__(self, name: str, styles: Mapping[str, Style]) -> None:
        self.name = name
        self._styles = dict(styles)

    def style(self, name: str) -> Style:
        """The look of a style name."""
        return self._styles[name]


def load(name: str, user_folder: Path | None = None) -> Theme:
    """The theme called ``name``; a user's file wins over a shipped one.

    Raises:
        ConfigError: there is none, or its file is wrong; the message names what and where.
    """
    sources = _sources(user_folder)
    if name not in sources:
        found = ", ".join(sorted(sources))
        raise ConfigError(texts.THEME_MISSING.format(name=name, hint=hint(name, sources), names=found))
    where, text = sources[name]
    return parse(text, name, where)


def names(user_folder: Path | None = None) -> list[str]:
    """All themes there are, in the order in which the theme key walks through them."""
    order = ["dark", "light", "cb", "mono", "term16"]
    found = _sources(user_folder)
    return [name for name in order if name in found] + sorted(set(found) - set(order))


def parse(text: str, name: str, where: str) -> Theme:
    """A theme out of its file's text.

    Raises:
        ConfigError: not TOML, a style missing or unknown, or a look that cannot be read.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(texts.THEME_WRONG.format(path=where, problem=error)) from error
    palette, looks = raw.get("palette", {}), raw.get("styles", {})
    if wrong := (STYLES ^ set(looks)):
        problem = f"[styles] lacks or does not know: {', '.join(sorted(wrong))}"
        raise ConfigError(texts.THEME_WRONG.format(path=where, problem=problem))
    return Theme(name, {style: _look(look, palette, where, style) for style, look in looks.items()})


def _look(look: Any, palette: Mapping[str, str], where: str, name: str) -> Style:
    """A look written as in ``bold bid on raised``: palette names, Rich colours and attributes; ground where none is."""
    words = [palette.get(word, word) for word in str(look).split()]
    if "on" not in words and palette.get("ground", "default") != "default":
        words += ["on", palette["ground"]]
    try:
        return Style.parse(" ".join(words))
    except StyleSyntaxError as error:
        raise ConfigError(texts.THEME_WRONG.format(path=where, problem=f"styles.{name}: {error}")) from error


def _sources(user_folder: Path | None) -> dict[str, tuple[str, str]]:
    """Name to (place, text): shipped themes, then the user's own over them."""
    found = {Path(name).stem: (name, text) for name, text in _shipped()}
    if user_folder is not None and user_folder.is_dir():
        for path in sorted(user_folder.glob("*.toml")):
            found[path.stem] = (str(path), path.read_text(encoding="utf-8"))
    return found


def _shipped() -> Iterator[tuple[str, str]]:
    """Theme files of the installed package, else of the checkout."""
    package = files("cockpit")
    folder = package.joinpath("_themes")
    if not folder.is_dir():
        folder = package.joinpath("..", "themes")
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            yield entry.name, entry.read_text(encoding="utf-8")
