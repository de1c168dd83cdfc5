"""What a process tells of itself when it fails, and what others can take out of it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.venue import BybitVenue
from cockpit.adapters.system.clock import LiveClock
from cockpit.config.logs import start_logging
from cockpit.config.model import VenueConfig
from cockpit.domain.errors import VenueError
from tests.support.canary import everything_below, forms
from tests.support.hostile_text import Heard
from tests.support.program import environment
from tests.support.simex_process import SimexProcess, simex_process

KEY, SECRET = "PRIVATEkey+5/9d=2Q", "PRIVATEsec&7/c3=8Zw"
"""Not the canaries of the stage, which may be searched for at the same time."""


def seen_in(content: bytes) -> list[str]:
    return [f"{text[:9]}... {name}" for text in (KEY, SECRET) for name, form in forms(text).items() if form in content]


PREFACE = """
import asyncio, gc, os, signal, sys, threading
from cockpit.adapters.system.process import keep_private, watch_loop
from cockpit.config.logs import start_logging
from pathlib import Path
keep_private()
def fail(key="PRIVATEkey+5/9d=2Q", secret="PRIVATEsec&7/c3=8Zw"):
    headers = {"X-BAPI-API-KEY": key, "X-BAPI-SIGN": secret}
    raise ValueError("failed \\x1b]52;c;QUFB\\x07 \\u202e on purpose")
"""

FAILURES = {
    "main": "fail()",
    "thread": """
thread = threading.Thread(target=fail, name="worker")
thread.start()
thread.join()
""",
    "loop callback": """
async def main():
    watch_loop(asyncio.get_running_loop())
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0.01)
asyncio.run(main())
""",
    "forgotten task": """
async def wrong():
    fail()
async def main():
    watch_loop(asyncio.get_running_loop())
    task = asyncio.create_task(wrong())
    await asyncio.sleep(0.01)
    del task
    gc.collect()
asyncio.run(main(), debug=True)
""",
    "cleaning up": """
class Held:
    def __del__(self):
        fail()
held = Held()
del held
""",
}


def run(code: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run code that stands in no command line: those are searched for secrets while this runs."""
    return subprocess.run(
        [sys.executable, "-"], input=(PREFACE + code).encode(), capture_output=True, timeout=60,
        env=environment(**variables), check=False,
    )  # fmt: skip


@pytest.mark.parametrize("is_logged", [False, True], ids=["stderr", "log"])
@pytest.mark.parametrize("place", FAILURES)
def test_failure_is_told_without_variables_and_obeys_no_text(place: str, is_logged: bool, tmp_path: Path) -> None:
    start = f"log = start_logging(Path({str(tmp_path / 'log.jsonl')!r}), to_stderr=False)\n"
    done = run(start + FAILURES[place] + "\nlog.close()\n" if is_logged else FAILURES[place])
    told = done.stdout + done.stderr
    if is_logged and place != "main":
        told += (tmp_path / "log.jsonl").read_bytes()
    assert b"ValueError" in told, told
    assert b"on purpose" in told
    assert seen_in(told) == []
    assert b"headers" not in told.replace(b"headers = {", b"")  # the source line may be shown, its values not
    if place == "main" or is_logged:
        heard = Heard(told)
        assert heard.sequences | heard.bad_characters == set()
        assert heard.controls <= {"\n"}
    assert (done.returncode == 1) == (place == "main")


def test_bug_in_a_command_is_told_without_variables(tmp_path: Path) -> None:
    done = run(
        f"""
from cockpit.cli import status
from cockpit.cli.main import exit_code
status.running_profiles = lambda _folder: fail()
sys.exit(exit_code(["status", "--data-dir", {str(tmp_path)!r}]))
"""
    )
    assert done.returncode == 1
    assert b"this is a bug: ValueError" in done.stderr
    assert seen_in(done.stderr) == []
    heard = Heard(done.stderr)
    assert heard.sequences | heard.bad_characters == set()


def test_abort_leaves_no_core_file(tmp_path: Path) -> None:
    done = run(f"os.chdir({str(tmp_path)!r})\nheld = {SECRET!r}\nos.abort()\n")
    assert done.returncode == -signal.SIGABRT
    assert list(tmp_path.iterdir()) == []


def test_files_are_private_from_the_first_line_on(tmp_path: Path) -> None:
    code = f"os.chdir({str(tmp_path)!r})\nopen('file', 'w').close()\nos.mkdir('folder')\n"
    assert run("os.umask(0)\nkeep_private()\n" + code).returncode == 0
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {"file": 0o600, "folder": 0o700}


VARIABLES = """
from cockpit.config.secrets import find_key, take_variables
from cockpit.domain.enums import Environment
take_variables(os.environ)
assert "BYBIT_API_KEY" not in os.environ
found = find_key(Environment.DEMO, os.environ)
assert found.key.reveal_key() == "PRIVATEkey+5/9d=2Q"
assert found.key.reveal() == "PRIVATEsec&7/c3=8Zw"
again = find_key(Environment.DEMO, os.environ)
assert again.key.reveal() == found.key.reveal()
child = __import__("subprocess").run(["env"], capture_output=True)
sys.stdout.buffer.write(child.stdout)
sys.stdout.buffer.write(Path("/proc/self/environ").read_bytes() if os.geteuid() == 0 else b"")
print(found.warnings[-1])
"""


def test_variables_are_read_once_blanked_and_never_inherited(tmp_path: Path) -> None:
    done = run(VARIABLES, HOME=str(tmp_path), BYBIT_API_KEY=KEY, BYBIT_API_SECRET=SECRET)
    assert done.returncode == 0, done.stderr
    assert b"every process of this user can read" in done.stdout
    assert seen_in(done.stdout + done.stderr) == []


PEEK = """
import ctypes, os, sys
from cockpit.adapters.system.process import keep_private
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # a change of user closes a process too: open it as an ordinary one is
def seen_by_another(victim):
    if os.fork():
        os.wait()
        return
    found = []
    for name in ("environ", "maps", "fd", "mem"):
        try:
            os.listdir(f"/proc/{victim}/fd") if name == "fd" else open(f"/proc/{victim}/{name}", "rb").read(1)
            found.append(name)
        except OSError:
            pass
    print(*found)
    sys.stdout.flush()
    os._exit(0)
seen_by_another(os.getpid())
keep_private()
seen_by_another(os.getpid())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="root starts the processes of an ordinary user")
def test_another_process_of_the_same_user_reads_neither_environment_nor_memory() -> None:
    done = subprocess.run([sys.executable, "-c", PEEK], capture_output=True, timeout=60, env=environment(), check=False)
    before, after = done.stdout.splitlines()
    assert {b"environ", b"maps", b"fd"} <= set(before.split()), done.stderr
    assert after == b""


# ------------------------------------------------------------------------------------------------ other people's logs


@pytest.fixture(scope="module")
def simex() -> Iterator[SimexProcess]:
    with simex_process("--symbols", "BTCUSDT") as process:
        yield process


async def test_libraries_log_no_headers_at_the_lowest_level(simex: SimexProcess, tmp_path: Path) -> None:
    """Everything is logged that can be; requests are signed and streams authenticate, also ones that are refused."""
    ready = simex.ready
    addresses = {"rest_url": ready["rest"], "public_url": ready["public"], "private_url": ready["private"]}
    log = start_logging(tmp_path / "log.jsonl", to_stderr=False, level=logging.DEBUG)
    seen: list[str] = []
    try:
        for key in (SecretKey(KEY, SECRET), SecretKey(ready["api_key"], ready["api_secret"])):
            venue = BybitVenue(VenueConfig(symbols=("BTCUSDT",), **addresses), key, LiveClock(), Random(1))
            try:
                await venue.subscribe(["BTCUSDT"])
                async with asyncio.timeout(10):
                    async for event in venue.events():
                        seen.append(type(event).__name__)
                        if seen.count("StreamLost") or seen.count("StreamUp") == 2:
                            break
                await venue.account()
            except VenueError as error:
                logging.getLogger("cockpit.test").error("refused", exc_info=error)
            finally:
                await venue.aclose()
    finally:
        log.close()
    assert {"StreamLost", "StreamUp"} <= set(seen)
    content = (tmp_path / "log.jsonl").read_bytes()
    assert b"refused" in content
    for word in (b"X-BAPI", b"x-bapi", ready["api_key"].encode(), ready["api_secret"].encode(), b'"auth"'):
        assert word not in content, word
    assert [(path, seen_in(text)) for path, text in everything_below(tmp_path) if seen_in(text)] == []
