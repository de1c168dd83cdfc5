"""Where the key of an exchange account comes from. It never comes from the command line or ``config.toml``.

Looked up in this order, each environment with a key of its own (ENV is demo, testnet or live):

1. systemd: ``LoadCredential=cockpit-ENV`` (``$CREDENTIALS_DIRECTORY/cockpit-ENV``);
2. the desktop's keyring, if the package ``keyring`` is installed: service ``cockpit``, names ``ENV.api_key`` and
   ``ENV.api_secret``;
3. ``$XDG_CONFIG_HOME/cockpit/key-ENV.json``, mode 0600;
4. ``BYBIT_API_KEY`` and ``BYBIT_API_SECRET``, with a warning;
5. a prompt.

Files hold ``{"api_key": "...", "api_secret": "..."}``. The simulated exchange's key stands in ``run/simex.json``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.config.private import read_private
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError

ENV_KEY, ENV_SECRET = "BYBIT_API_KEY", "BYBIT_API_SECRET"

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
        SafetyRefusal: the key file is open to others.
    """
    exposed = environ.pop(ENV_KEY, ""), environ.pop(ENV_SECRET, "")
    warnings: list[str] = []
    if found := _from_systemd(environment, environ):
        return found
    if found := _from_keyring(environment, warnings):
        return found
    if found := _from_file(environment, environ, tuple(warnings)):
        return found
    if all(exposed):
        return FoundKey(SecretKey(*exposed), f"env {ENV_KEY}", (*warnings, _EXPOSED))
    if ask is None:
        return None
    key, secret = ask(f"API key ({environment.value}): ").strip(), ask("API secret: ").strip()
    return FoundKey(SecretKey(key, secret), "prompt", tuple(warnings)) if key and secret else None


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
    path = Path(home, "cockpit", f"key-{environment.value}.json")
    text = read_private(path)
    return None if text is None else FoundKey(_parsed(text, path), str(path), warnings)


def _parsed(text: str, path: Path) -> SecretKey:
    try:
        content = msgspec.json.decode(text, type=_KeyFile)
    except msgspec.MsgspecError:
        # The decoder's own words may quote the content.
        raise ConfigError(f'{path}: is not {{"api_key": "...", "api_secret": "..."}}') from None
    if not content.api_key or not content.api_secret:
        raise ConfigError(f"{path}: key or secret is empty")
    return SecretKey(content.api_key, content.api_secret)
