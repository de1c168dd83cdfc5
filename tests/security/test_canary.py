"""Where a secret could leak to: everything is used, some of it fails, then every byte that was written is searched."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.security.conftest import GROUP, Stage
from tests.support.canary import ALL, EXPOSED_KEY, KEY, SECRET, everything_below, forms, processes, seen_in
from tests.support.failing_attach import PLACES
from tests.support.profile import wait_until
from tests.support.vt import Screen

COMMANDS = [
    ["status"], ["status", "--json"], ["config", "show"], ["config", "show", "--json"], ["config", "check"],
    ["config", "schema"], ["diag", "l2", "--symbol", "BTCUSDT", "--minutes", "0.01", "--json"],
    ["record", "--minutes", "0.01"], ["run", "--headless"], ["run", "--headless", "--env", "live"],
    *(["journal", what, *form] for what in ("trades", "signals", "walls", "events", "stats")
      for form in ([], ["--json"], ["--csv"])),
]  # fmt: skip
PROCESSES = [["doctor"], ["flatten", "--yes"]]


SIGNED = (b"X-BAPI-SIGN", b"X-BAPI-API-KEY", b"x-bapi-sign", b'"op":"auth","args"')
"""What stands beside a signature."""


def signed(content: bytes) -> list[str]:
    return [word.decode() for word in SIGNED if word in content]


def owner(pid: int) -> tuple[int, int]:
    """User and group of a process's environment; of one that is not dumpable root's, whoever runs it (proc(5))."""
    environ = Path(f"/proc/{pid}/environ").stat()
    return environ.st_uid, environ.st_gid


def test_the_search_finds_what_it_is_meant_to_find() -> None:
    for text in ALL:
        for name, form in forms(text).items():
            assert seen_in(b"before" + form + b"after"), (text, name)
    for shift in range(3):
        assert seen_in(base64.b64encode(b"x" * shift + f"key={SECRET};".encode()))
    assert seen_in(b"nothing") == []


def test_the_exchange_works_with_the_canary_and_a_trade_went_through(traded: Stage) -> None:
    assert traded.profile.simex is not None
    assert (traded.profile.simex["api_key"], traded.profile.simex["api_secret"]) == (KEY, SECRET)
    sent = traded.control("requests?path=/v5/order/create")["requests"]
    assert {request["method"] for request in sent if request["ret_code"] == 0} == {"WS"}


def test_variables_with_keys_are_gone_from_every_process(traded: Stage) -> None:
    """The engine was started with them: they are gone from its environment and its children never had them."""
    seen = {name: seen_in(content) for name, content in processes()}
    assert f"{traded.engine.pid}/cmdline" in seen
    assert {name: what for name, what in seen.items() if what} == {}
    if os.geteuid() == 0:
        environ = Path(f"/proc/{traded.engine.pid}/environ").read_bytes()
        assert b"BYBIT_API_KEY=" in environ
        assert EXPOSED_KEY.encode() not in environ


@pytest.mark.parametrize("place", PLACES)
def test_screen_that_fails_shows_no_variables(traded: Stage, place: str) -> None:
    terminal = traded.terminal("tests.support.failing_attach", place, str(traded.profile.folder))
    if place == "key":
        assert terminal.read_until(lambda: b"BTCUSDT" in terminal.output, 45)
        terminal.send(b"?")
    assert terminal.read_until(lambda: terminal.process.poll() is not None, 45)
    while terminal.read():
        pass
    last = terminal.output.rpartition(b"\x1b[?1049l")[2]
    assert b"RuntimeError" in last
    assert b"failed on purpose" in last
    assert b"headers =" not in terminal.output
    assert b"Traceback" not in terminal.output
    assert seen_in(terminal.output) == []
    assert terminal.process.returncode == 1


def test_no_byte_that_was_written_anywhere_holds_a_secret(traded: Stage) -> None:
    screen = traded.terminal("cockpit", "attach", "--data-dir", str(traded.profile.folder))
    assert screen.read_until(lambda: b"BTCUSDT" in screen.output, 45)
    for key in (b"?", b"\x1b", b"2", b"3", b":"):
        screen.send(key)
        screen.read_until(lambda: False, 0.2)
    shown = Screen(120, 40)
    shown.feed(screen.output)
    traded.said["screen as shown"] = "\n".join(shown.text).encode()
    with ThreadPoolExecutor() as beside:
        processes_done = [beside.submit(traded.process, *command) for command in PROCESSES]
        for command in COMMANDS:
            traded.cockpit(*command)
    assert [done.result().returncode for done in processes_done] == [0, 0]
    screen.read_until(lambda: False, 0.3)
    assert {name for name, content in traded.spoken() if not content} <= {"journal trades --csv"}
    assert {name: seen_in(content) for name, content in traded.spoken() if seen_in(content)} == {}
    files = {str(path): seen_in(content) + signed(content) for path, content in everything_below(traded.root)}
    suffixes = {Path(path).suffix for path in files}
    assert {".sqlite", ".jsonl", ".out"} <= suffixes, suffixes
    known = str(traded.profile.run / "simex.json")
    assert seen_in(Path(known).read_bytes()) != []
    assert {path: what for path, what in files.items() if what and path != known} == {}
    assert {name: seen_in(content) for name, content in processes() if seen_in(content)} == {}


def test_all_that_was_written_is_for_this_user_alone(traded: Stage) -> None:
    own = traded.profile.folder / "headless.out"  # made by the test
    assert [path for path in traded.profile.folder.rglob("*") if path.lstat().st_mode & 0o077 and path != own] == []


def test_engine_and_exchange_leave_no_core_and_are_closed_to_debuggers(traded: Stage) -> None:
    assert traded.profile.simex is not None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, group=GROUP) as plain:
        wait_until(lambda: Path(f"/proc/{plain.pid}/environ").read_bytes(), "it runs")
        assert owner(plain.pid) != (0, 0), "nothing would be shown by root as the owner"
        plain.communicate(b"\n")
    for pid in (traded.engine.pid, traded.profile.simex["pid"]):
        limits = Path(f"/proc/{pid}/limits").read_text()
        core = next(line.split() for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core[4:6] == ["0", "0"]
        assert owner(pid) == (0, 0)
        umask = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Umask"))
        assert umask.split()[1] == "0077"
