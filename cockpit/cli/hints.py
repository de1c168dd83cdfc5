"""What to type next, as messages show it: every command with the data folder it is meant for. Words only."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from cockpit.config.profile import profile_of
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError


def folder_words(data_dir: Path | None) -> str:
    """`` --data-dir FOLDER`` as a shell takes it; "" for the default folder, which needs no naming.

    Args:
        data_dir: as given on the command line or of a profile, None for the default one.
    """
    if data_dir is None:
        return ""
    chosen = data_dir.expanduser().absolute()
    try:
        is_default = chosen == profile_of(Environment.SIM, None, os.environ).data_dir
    except ConfigError:
        is_default = False
    return "" if is_default else f" --data-dir {shlex.quote(str(chosen))}"


def typed(words: str, data_dir: Path | None) -> str:
    """``cockpit WORDS`` for this data folder."""
    return f"cockpit {words}{folder_words(data_dir)}"


def either(words: str, data_dir: Path | None) -> str:
    """The same for those who use make and those who do not; the first of ``words`` is a target of the Makefile."""
    target, _, options = words.partition(" ")
    arguments = f"{options}{folder_words(data_dir)}".strip()
    quoted = f" ARGS={shlex.quote(arguments)}" if arguments else ""
    return f"make {target}{quoted}  or  {typed(words, data_dir)}"
