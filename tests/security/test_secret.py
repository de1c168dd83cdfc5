"""A secret is used and never shown: by no printer, copier, pickler, traceback or library that looks at objects."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from pprint import pformat
from traceback import TracebackException

import msgspec
import pytest
import rich
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from cockpit.adapters.bybit.config import RestLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.http import SignedHttp
from cockpit.cli.run_files import SimexRun
from cockpit.config.secrets import FoundKey, find_key, hand_over, handed_over, take_variables
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError, SafetyRefusal
from cockpit.domain.secret import Secret
from cockpit.simex.auth import Credentials
from cockpit.simex.config import SimexConfig
from tests.support.program import environment

KEY, SECRET = "CANARYKEY", "CANARYSEC"


@dataclasses.dataclass
class Holder:
    name: str
    key: SecretKey


HOLDERS: dict[str, Callable[[], object]] = {
    "secret": lambda: Secret(SECRET),
    "key": lambda: SecretKey(KEY, SECRET),
    "found key": lambda: FoundKey(SecretKey(KEY, SECRET), "file"),
    "dataclass": lambda: Holder("x", SecretKey(KEY, SECRET)),
    "list": lambda: [{"key": SecretKey(KEY, SECRET)}],
    "http client": lambda: SignedHttp(SecretKey(KEY, SECRET), RestLimits(), lambda: 1),
    "simex run file": lambda: simex_run(),
    "simex credentials": lambda: Credentials(KEY, SECRET),
    "simex config": lambda: SimexConfig(api_key=KEY, api_secret=SECRET),
}


def simex_run() -> SimexRun:
    return SimexRun(
        pid=1, rest="r", public="p", private="p", trade="t", control="c", api_key=KEY, api_secret=SECRET,
        market="synthetic", speed=1.0, seed=1, symbols=[],
    )  # fmt: skip


def rich_traceback(held: object) -> str:
    try:
        shown = held
        raise ValueError("x")
    except ValueError as error:
        console = Console(file=io.StringIO(), width=200)
        console.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
        del shown
        return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def plain_traceback(held: object) -> str:
    try:
        shown = held
        raise ValueError("x")
    except ValueError as error:
        del shown
        return "".join(TracebackException.from_exception(error, capture_locals=True).format())


def inspected(held: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    rich.inspect(held, console=console, private=True, dunder=True, methods=True)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


PRINTERS: dict[str, Callable[[object], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda held: f"{held} {held!r:>40} {held!s:<10}",
    "percent": lambda held: "%s %r" % (held, held),  # noqa: UP031
    "pprint": pformat,
    "rich": pretty_repr,
    "traceback": plain_traceback,
    "rich traceback": rich_traceback,
    "log": lambda held: logging.LogRecord("x", 20, "p", 1, "%s %r", (held, held), None).getMessage(),
}


@pytest.mark.parametrize("printer", PRINTERS)
@pytest.mark.parametrize("holder", HOLDERS)
def test_no_printer_shows_it(holder: str, printer: str) -> None:
    assert "CANARY" not in PRINTERS[printer](HOLDERS[holder]())


@pytest.mark.parametrize("holder", ["secret", "key", "found key", "dataclass", "http client"])
def test_no_inspector_finds_it_in_an_attribute(holder: str) -> None:
    assert "CANARY" not in inspected(HOLDERS[holder]())
    held = HOLDERS[holder]()
    assert "CANARY" not in repr(getattr(held, "__dict__", {}))


@pytest.mark.parametrize("holder", ["secret", "key", "found key", "dataclass"])
def test_it_is_neither_pickled_nor_copied_nor_dumped(holder: str) -> None:
    held = HOLDERS[holder]()
    for dump in (pickle.dumps, copy.deepcopy, json.dumps, msgspec.json.encode, msgspec.to_builtins):
        with pytest.raises(TypeError):
            dump(held)  # type: ignore[operator]


def test_it_has_no_size_order_items_or_equality_to_leak_by() -> None:
    secret = Secret(SECRET)
    for look in (len, list, bytes, vars, sorted, hash(secret).__index__ and iter):
        with pytest.raises(TypeError):
            look(secret)  # type: ignore[operator]
    assert secret != Secret(SECRET)
    with pytest.raises(TypeError):
        assert secret < Secret(SECRET)  # type: ignore[operator]


def test_what_is_meant_to_use_it_gets_it() -> None:
    key = SecretKey(KEY, SECRET)
    assert (key.reveal_key(), key.reveal()) == (KEY, SECRET)


# --------------------------------------------------------------------------------------------------- where it is put


def test_key_reaches_the_engine_through_a_file_without_a_name_as_often_as_it_starts_anew() -> None:
    handle = hand_over(SecretKey(KEY, SECRET))
    try:
        for _ in range(3):
            key = handed_over(handle)
            assert (key.reveal_key(), key.reveal()) == (KEY, SECRET)
        assert not os.get_inheritable(handle)
    finally:
        os.close(handle)
    with pytest.raises(ConfigError, match="no key was handed over"):
        handed_over(handle)


ANEW = """
import os, sys
from cockpit.config.secrets import handed_over
key = handed_over(int(sys.argv[1]))
print(key.reveal_key() + key.reveal())
sys.stdout.flush()
if sys.argv[2] == "once more":
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:3], sys.argv[1], "that was it"])
"""


def test_child_that_starts_anew_still_has_the_key_and_nothing_shows_it() -> None:
    handle = hand_over(SecretKey(KEY, SECRET))
    try:
        command = [sys.executable, "-c", ANEW, str(handle), "once more"]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, env=environment(), pass_fds=[handle], check=True
        )
    finally:
        os.close(handle)
    assert done.stdout == f"{KEY}{SECRET}\n" * 2


def test_one_key_for_two_environments_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "cockpit"
    folder.mkdir(parents=True)
    for name in ("demo", "live"):
        path = folder / f"key-{name}.json"
        path.write_text(json.dumps({"api_key": KEY, "api_secret": SECRET}))
        path.chmod(0o600)
    with pytest.raises(SafetyRefusal, match="belongs to one environment") as caught:
        find_key(Environment.LIVE, {"HOME": str(tmp_path)})
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("damage", ["link", "group", "others", "folder"])
def test_key_file_that_is_not_this_users_alone_is_refused(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / ".config" / "cockpit"
    folder.mkdir(parents=True)
    path = folder / "key-demo.json"
    path.write_text(json.dumps({"api_key": KEY, "api_secret": SECRET}))
    path.chmod({"group": 0o640, "others": 0o604}.get(damage, 0o600))
    if damage == "link":
        path.rename(folder / "elsewhere.json")
        path.symlink_to(folder / "elsewhere.json")
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    with pytest.raises((SafetyRefusal, ConfigError)) as caught:
        find_key(Environment.DEMO, {"HOME": str(tmp_path)})
    assert "CANARY" not in str(caught.value)


def test_variables_leave_an_environment_whatever_is_done_with_it() -> None:
    environ = {"BYBIT_API_KEY": KEY, "BYBIT_API_SECRET": SECRET, "HOME": "/nowhere"}
    take_variables(environ)
    assert environ == {"HOME": "/nowhere"}
    assert find_key(Environment.DEMO, environ) is None
