"""Which account ``cockpit flatten`` closes, with which settings. A mistake in the configuration does not stop it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cockpit.cli.hints import typed
from cockpit.cli.narration import say
from cockpit.cli.options import settings_from
from cockpit.config.load import default_config_path, usable_settings
from cockpit.config.model import Settings
from cockpit.config.profile import Profile, profile_of
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError, SafetyRefusal
from cockpit.link.socket_file import is_listened_on

ENVIRONMENT = "venue.environment"
NEEDED = ("venue.", "execution.flatten_slippage_pct")
"""Keys that a flatten uses."""
BY_WEIGHT = (Environment.LIVE, Environment.TESTNET, Environment.DEMO, Environment.SIM)
"""Real money first: where two environments may be meant, the heavier one is closed."""


def find_target(env: str | None, config_path: Path | None, data_dir: Path | None) -> tuple[Settings, Profile]:
    """Settings and profile of the account that is meant.

    Without ``env`` that is where an engine runs; else where the last one ran or what is configured, real money first.

    Raises:
        SafetyRefusal: nothing tells which account is meant; the message says what to type.
    """
    chosen = Environment(env) if env else _chosen(config_path, data_dir)
    settings, _ = _settings(config_path, {ENVIRONMENT: chosen.value})
    return settings, profile_of(chosen, data_dir, os.environ)


def left_alone(profile: Profile, data_dir: Path | None) -> list[str]:
    """Environments of the data folder with another account, on which an engine has run before."""
    others = [profile_of(each, data_dir, os.environ) for each in BY_WEIGHT if each is not Environment.SIM]
    return [each.environment.value for each in others if each != profile and each.lock_file.exists()]


def remember_environment(profile: Profile) -> None:
    """At the start of an engine: keep where it trades, for a flatten after its death. A full disk is only told."""
    path = profile.last_environment_file
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(profile.environment.value)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        env = profile.environment.value
        again = typed(f"flatten --env {env}", profile.data_dir)
        say(f"warning: {path}: {error.strerror}; should this engine die, name it: {again}")


def _last_environment(profile: Profile) -> Environment | None:
    try:
        return Environment(profile.last_environment_file.read_text())
    except (OSError, ValueError):
        return None


def _chosen(config_path: Path | None, data_dir: Path | None) -> Environment:
    profiles = {each: profile_of(each, data_dir, os.environ) for each in Environment}
    running = [each for each, profile in profiles.items() if _runs(profile)]
    if running:
        return _heaviest(dict.fromkeys(running, "an engine runs there"), data_dir)
    settings, is_certain = _settings(config_path, {})
    last = _last_environment(profiles[Environment.SIM])
    candidates = {settings.venue.environment: "configured"} if is_certain else {}
    if last is not None:
        candidates = candidates | {last: "the last engine ran there"}
    if not candidates:
        raise SafetyRefusal(
            "which account? The configuration does not tell, and no engine has run in this data folder: "
            f"type {typed('flatten --env live', data_dir)} (or testnet, demo, sim)"
        )
    return _heaviest(candidates, data_dir)


def _runs(profile: Profile) -> bool:
    """True if an engine, of whatever version, answers."""
    try:
        return is_listened_on(profile.socket)
    except OSError:
        return False


def _heaviest(candidates: Mapping[Environment, str], data_dir: Path | None) -> Environment:
    chosen, *others = [each for each in BY_WEIGHT if each in candidates]
    for other in others:
        say(
            f"{chosen.value.upper()} is taken ({candidates[chosen]}), not {other.value.upper()} ({candidates[other]}): "
            f"{typed(f'flatten --env {other.value}', data_dir)} closes that one"
        )
    return chosen


def _settings(config_path: Path | None, flags: dict[str, Any]) -> tuple[Settings, bool]:
    """The settings, and whether their environment is certain; what is wrong in them is told and left out."""
    try:
        return settings_from(config_path, flags).settings, True
    except ConfigError as error:
        _tell_wrong(str(error).splitlines())
    path = config_path or default_config_path(os.environ)
    settings, used = usable_settings(path, flags, os.environ, NEEDED)
    return settings, ENVIRONMENT in used


def _tell_wrong(problems: Iterable[str]) -> None:
    say(
        "WARNING: the configuration is wrong. Flatten goes on with what it needs of it, and with defaults for the rest:"
    )
    for problem in problems:
        say(f"         {problem}")
