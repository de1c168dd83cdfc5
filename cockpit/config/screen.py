"""Whether keys and theme can be used, asked before anything is started, of the code that the screen itself uses.

Imported only by what goes on to a screen: an engine alone needs neither, and no theme shall keep it from its positions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from cockpit.config.load import LoadedSettings
from cockpit.domain.errors import ConfigError
from cockpit.ui import keymap, theme


def check_screen(loaded: LoadedSettings, environ: Mapping[str, str]) -> None:
    """Raise what the screen would.

    Raises:
        ConfigError: every problem of ``[keys]`` and of the theme, one a line, each with its place and its key.
    """
    settings, sources, problems = loaded.settings, loaded.sources, []
    try:
        keymap.build(settings.keys.bindings)
    except ConfigError as error:
        problems.append(f"{sources['keys']}: {error}")
    try:
        theme.load(settings.ui.theme, user_themes(environ))
    except ConfigError as error:
        problems.append(f"{sources['ui.theme']}: ui.theme: {error}")
    if problems:
        raise ConfigError("\n".join(problems))


def user_themes(environ: Mapping[str, str]) -> Path | None:
    """The folder of the user's own themes, if there is one."""
    home = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    folder = Path(home, "cockpit", "themes")
    return folder if folder.is_dir() else None
