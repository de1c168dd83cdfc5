from pathlib import Path

import pytest
from rich.color import ColorSystem
from rich.style import Style

from cockpit.domain.errors import ConfigError
from cockpit.ui import theme
from cockpit.ui.widgets.strips import strip_of

SHIPPED = ("dark", "light", "cb", "mono", "term16")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_theme_defines_every_style(name: str) -> None:
    looks = theme.load(name)
    for style in theme.STYLES:
        assert isinstance(looks.style(style), Style)


def test_mono_has_no_colour_at_all() -> None:
    looks = theme.load("mono")
    assert all(looks.style(name).color is None and looks.style(name).bgcolor is None for name in theme.STYLES)


def test_term16_uses_only_the_terminals_own_colours() -> None:
    looks = theme.load("term16")
    colours = [looks.style(name).color for name in theme.STYLES] + [looks.style(name).bgcolor for name in theme.STYLES]
    assert all(colour is None or (colour.number is not None and colour.number < 16) for colour in colours)


def test_a_users_theme_wins_over_a_shipped_one(tmp_path: Path) -> None:
    text = (Path("themes") / "mono.toml").read_text().replace('text = "none"', 'text = "italic"')
    (tmp_path / "dark.toml").write_text(text)
    (tmp_path / "mine.toml").write_text(text)
    assert theme.load("dark", tmp_path).style("text").italic
    assert theme.names(tmp_path) == [*SHIPPED, "mine"]


def test_a_missing_theme_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no theme 'drak'.*cb, dark, light, mono, term16"):
        theme.load("drak")


@pytest.mark.parametrize(
    ("text", "problem"),
    [("[styles]\ntext = 1", "lacks or does not know"), ("[styles", "mine.toml"), ("", "lacks or does not know")],
)
def test_a_faulty_theme_names_its_file_and_fault(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigError, match=problem):
        theme.load("mine", tmp_path)


def test_a_look_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    text = (Path("themes") / "mono.toml").read_text().replace('text = "none"', 'text = "no such colour at all"')
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"styles\.text"):
        theme.load("mine", tmp_path)


class _Console:
    _color_system = ColorSystem.TRUECOLOR


def test_a_row_names_a_ground_once_and_not_for_every_cell() -> None:
    looks = theme.load("dark")
    strip = strip_of((("12.3", "bid"), (" ", "text"), ("67 428", "price"), ("B", "bid")), 12, looks)
    sent = strip.render(_Console())
    assert sent.count("48;2;") == 1
    assert sent.endswith("\x1b[0m")


def test_the_same_look_twice_is_named_once() -> None:
    looks = theme.load("mono")
    assert strip_of((("a", "price"), ("b", "price")), 2, looks).render(_Console()) == "ab"
    assert strip_of((("a", "strong"), ("b", "text")), 2, looks).render(_Console()) == "\x1b[1ma\x1b[0mb"
