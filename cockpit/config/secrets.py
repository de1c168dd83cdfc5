"""Where the key of an exchange account comes from. It never comes from the command line or ``config.toml``.

Looked up in this order, each environment with a key of its own (ENV is demo, testnet or live):

1. systemd: ``LoadCredential=cockpit-ENV`` (``$CREDENTIALS_DIRECTORY/cockpit-ENV``);
2. the desktop's keyring, if the package ``keyring`` is installed: service ``cockpit``, names ``ENV.api_key`` and
   ``ENV.api_secret``;
3. ``$XDG_CONFIG_HOME/cockpit/key-ENV.json``, mode 0600;
4. ``BYBIT_API_KEY`` and ``BYBIT_API_SECRET``, with a warning;
5. a prompt.

The two variables are taken out of the environment as soon as the process starts, whatever it does (``take_variables``).
A process hands a key to the engine it starts through a nameless file in memory, never by command line or environment.

Files hold ``{"api_key": "...", "api_secret": "..."}``. The simulated exchange's key stands in ``run/simex.json``.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.system.process import blank_variable
from cockpit.config.private import read_private
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError, SafetyRefusal
from cockpit.domain.secret import Secret

ENV_KEY, ENV_SECRET = _NAMES = ("BYBIT_API_KEY", "BYBIT_API_SECRET")

_EXPOSED = (
    f"the key came from {ENV_KEY}: every process of this user can read another's variables; "
    "better a key file, a keyring or a systemd credential"
)


@dataclass(frozen=True)
class FoundKey:
    """A key and where it was."""

    key: SecretKey
    source: str
    warnings: tuple[str, ...] = ()


class _KeyFile(msgspec.Struct, forbid_unknown_fields=True):
    api_key: str
    api_secret: str


_taken: dict[str, Secret] = {}
"""What stood in the two variables when the process started."""


def take_variables(environ: MutableMapping[str, str]) -> None:
    """Take the key variables out of the environment; ``find_key`` still knows what stood there.

    For the process's own environment also out of what ``/proc/PID/environ`` shows.
    """
    for name in _NAMES:
        if name not in environ:
            continue
        if environ is os.environ:
            blank_variable(name)
            _taken[name] = Secret(environ.pop(name))
        else:
            environ.pop(name)


def find_key(
    environment: Environment, environ: MutableMapping[str, str], ask: Callable[[str], str] | None = None
) -> FoundKey | None:
    """The key of an environment, None if there is none anywhere.

    Args:
        environment: demo, testnet or live.
        environ: the process environment; the two variables are taken out of it, whatever is used.
        ask: reads a line without showing it; None where nobody can be asked.

    Raises:
        ConfigError: a source is there but cannot be read. The message never holds its content.
        SafetyRefusal: the key file is open to others, or holds the key of another environment's file.
    """
    exposed = _exposed(environ)
    warnings: list[str] = []
    if found := _from_systemd(environment, environ):
        return found
    if found := _from_keyring(environment, warnings):
        return found
    if found := _from_file(environment, environ, tuple(warnings)):
        return found
    if exposed is not None:
        return FoundKey(exposed, f"env {ENV_KEY}", (*warnings, _EXPOSED))
    if ask is None:
        return None
    key, secret = ask(f"API key ({environment.value}): ").strip(), ask("API secret: ").strip()
    return FoundKey(SecretKey(key, secret), "prompt", tuple(warnings)) if key and secret else None


def hand_over(key: SecretKey) -> int:
    """A descriptor through which a child process reads the key (``handed_over``), as often as it starts anew.

    The file has no name and lies in memory alone. The caller passes the descriptor on and closes its own.
    """
    handle = os.memfd_create("cockpit", os.MFD_CLOEXEC)
    os.write(handle, msgspec.json.encode(_KeyFile(key.reveal_key(), key.reveal())))
    return handle


def handed_over(handle: int) -> SecretKey:
    """The key behind a descriptor of ``hand_over``.

    Raises:
        ConfigError: there is none.
    """
    try:
        content = os.pread(handle, os.fstat(handle).st_size, 0)
    except OSError as error:
        raise ConfigError(f"no key was handed over: {error.strerror}") from error
    return _parsed(content.decode(errors="replace"), "the key that was handed over")


def _exposed(environ: MutableMapping[str, str]) -> SecretKey | None:
    """The key of the two variables, which are gone afterwards."""
    own = environ is os.environ
    found = [environ.get(name) or (_taken[name].reveal() if own and name in _taken else "") for name in _NAMES]
    take_variables(environ)
    return SecretKey(*found) if all(found) else None


def _from_systemd(environment: Environment, environ: Mapping[str, str]) -> FoundKey | None:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder, f"cockpit-{environment.value}") if folder else None
    if path is None or not path.exists():
        return None
    try:
        return FoundKey(_parsed(path.read_text("utf-8"), path), f"systemd credential {path.name}")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _from_keyring(environment: Environment, warnings: list[str]) -> FoundKey | None:
    try:
        keyring = importlib.import_module("keyring")
        errors = importlib.import_module("keyring.errors")
    except ImportError:
        return None
    try:
        key, secret = (
            keyring.get_password("cockpit", f"{environment.value}.{name}") for name in ("api_key", "api_secret")
        )
    except errors.NoKeyringError:
        return None
    except errors.KeyringError as error:
        warnings.append(f"the keyring could not be read: {type(error).__name__}")
        return None
    return FoundKey(SecretKey(key, secret), "keyring") if key and secret else None


def _from_file(environment: Environment, environ: Mapping[str, str], warnings: tuple[str, ...]) -> FoundKey | None:
    home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    if not home:
        return None
    path = _key_file(home, environment)
    text = read_private(path)
    if text is None:
        return None
    key = _parsed(text, path)
    _refuse_shared(key, path, [_key_file(home, other) for other in Environment if other is not environment])
    return FoundKey(key, str(path), warnings)


def _key_file(home: str, environment: Environment) -> Path:
    return Path(home, "cockpit", f"key-{environment.value}.json")


def _refuse_shared(key: SecretKey, path: Path, others: Iterable[Path]) -> None:
    """No key serves two environments: one of the files was filled with the wrong one."""
    for other in others:
        text = read_private(other)
        if text is not None and _parsed(text, other).reveal_key() == key.reveal_key():
            raise SafetyRefusal(f"{path.name} and {other.name} hold the same key; a key belongs to one environment")


def _parsed(text: str, where: Path | str) -> SecretKey:
    try:
        content = msgspec.json.decode(text, type=_KeyFile)
    except msgspec.MsgspecError:
        # The decoder's own words may quote the content.
        raise ConfigError(f'{where}: is not {{"api_key": "...", "api_secret": "..."}}') from None
    if not content.api_key or not content.api_secret:
        raise ConfigError(f"{where}: key or secret is empty")
    return SecretKey(content.api_key, content.api_secret)
