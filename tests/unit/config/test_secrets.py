"""Where a key is taken from, and what never shows it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from cockpit.config.secrets import find_key
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError, SafetyRefusal

DEMO = Environment.DEMO


def content(name: str) -> str:
    return f'{{"api_key": "{name}-key", "api_secret": "{name}-CANARY"}}'


def key_file(home: Path, text: str = content("file"), environment: str = "demo") -> Path:
    path = home / ".config" / "cockpit" / f"key-{environment}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def install_keyring(monkeypatch: pytest.MonkeyPatch, entries: dict[str, str], failure: str = "") -> None:
    errors = ModuleType("keyring.errors")
    errors.KeyringError = type("KeyringError", (Exception,), {})  # type: ignore[attr-defined]
    errors.NoKeyringError = type("NoKeyringError", (errors.KeyringError,), {})  # type: ignore[attr-defined]

    def get_password(service: str, name: str) -> str | None:
        assert service == "cockpit"
        if failure:
            raise getattr(errors, failure)("CANARY")
        return entries.get(name)

    keyring = ModuleType("keyring")
    keyring.get_password = get_password  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)


def test_sources_are_asked_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"HOME": str(tmp_path), "BYBIT_API_KEY": "env-key", "BYBIT_API_SECRET": "env-CANARY"}
    path = key_file(tmp_path)
    install_keyring(monkeypatch, {"demo.api_key": "ring-key", "demo.api_secret": "ring-CANARY"})
    (tmp_path / "cockpit-demo").write_text(content("systemd"))

    def found(**more: str) -> str:
        result = find_key(DEMO, environ | more, lambda text: "asked")
        assert result is not None
        assert result.key.reveal().replace("CANARY", "key") == result.key.reveal_key()
        return result.key.reveal_key()

    assert found(CREDENTIALS_DIRECTORY=str(tmp_path)) == "systemd-key"
    assert found() == "ring-key"
    install_keyring(monkeypatch, {"live.api_key": "other", "live.api_secret": "other"})
    assert found() == "file-key"
    path.unlink()
    assert found() == "env-key"
    environ.clear()
    assert found() == "asked"
    assert find_key(DEMO, {}) is None


def test_each_environment_has_its_own_key(tmp_path: Path) -> None:
    key_file(tmp_path, environment="demo")
    assert find_key(Environment.LIVE, {"HOME": str(tmp_path)}) is None


def test_the_variables_are_taken_away_even_if_another_source_is_used(tmp_path: Path) -> None:
    key_file(tmp_path)
    environ = {"HOME": str(tmp_path), "BYBIT_API_KEY": "a", "BYBIT_API_SECRET": "b"}
    result = find_key(DEMO, environ)
    assert result is not None
    assert result.warnings == ()
    assert environ == {"HOME": str(tmp_path)}


def test_a_key_from_variables_comes_with_a_warning() -> None:
    result = find_key(DEMO, {"BYBIT_API_KEY": "a", "BYBIT_API_SECRET": "CANARY"})
    assert result is not None
    assert "BYBIT_API_KEY" in result.warnings[0]
    assert "CANARY" not in repr(result)


@pytest.mark.parametrize(("failure", "warnings"), [("NoKeyringError", 0), ("KeyringError", 1)])
def test_a_keyring_that_does_not_work_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str, warnings: int
) -> None:
    install_keyring(monkeypatch, {}, failure)
    key_file(tmp_path)
    result = find_key(DEMO, {"HOME": str(tmp_path)})
    assert result is not None
    assert result.key.reveal_key() == "file-key"
    assert len(result.warnings) == warnings
    assert "CANARY" not in repr(result)


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key_file(tmp_path).chmod(0o644)
    with pytest.raises(SafetyRefusal, match="chmod 600"):
        find_key(DEMO, {"HOME": str(tmp_path)})


@pytest.mark.parametrize(
    "text",
    ["CANARY", '{"api_key": "CANARY"}', '{"api_key": 1, "api_secret": "CANARY"}', '{"CANARY": 1}', content("")[:-1]],
)
def test_a_malformed_key_file_is_named_but_not_quoted(tmp_path: Path, text: str) -> None:
    path = key_file(tmp_path, text)
    with pytest.raises(ConfigError, match=path.name) as caught:
        find_key(DEMO, {"HOME": str(tmp_path)})
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    key_file(tmp_path, '{"api_key": "a", "api_secret": ""}')
    with pytest.raises(ConfigError, match="empty"):
        find_key(DEMO, {"HOME": str(tmp_path)})
