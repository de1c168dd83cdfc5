"""Who reaches the engine over its socket, and what bytes can do there: nobody else, and nothing but valid commands."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from cockpit.domain.commands import ApproveSignal, ClosePosition, Command, FlattenAll, PauseEntries
from cockpit.domain.errors import RemoteProtocolError, SafetyRefusal
from cockpit.link import socket_file, wire
from cockpit.link.socket_file import is_same_user, listen
from cockpit.link.viewer import LinkLimits
from cockpit.link.wire import pack
from cockpit.views.frames import MAX_FRAME, SCHEMA, Attach, CommandFrame, Watch
from tests.security.conftest import Stage
from tests.support.link import HELLO, Desk, attached, serving, until

NOBODY = 65534
FRAMES = 10_000
ATTACH = pack(Attach(schema=SCHEMA, client="mute"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "engine.sock"


# ------------------------------------------------------------------------------------------------ another user

CONNECT = """
import os, socket, sys
folder, uid = sys.argv[1], int(sys.argv[2])
handle = os.open(folder, os.O_PATH)
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
with socket.socket(socket.AF_UNIX) as line:
    line.settimeout(5)
    try:
        line.connect(f"/proc/self/fd/{handle}/engine.sock")
    except PermissionError:
        print("refused by the file system")
        sys.exit()
    print("heard", len(line.recv(100)), "bytes")
"""
"""Connects as another user; the folder was opened before, so that only the socket itself can refuse."""


def as_other_user(folder: Path) -> str:
    command = [sys.executable, "-I", "-c", CONNECT, str(folder), str(NOBODY)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@needs_root
async def test_other_user_is_refused_by_the_file_system(path: Path) -> None:
    async with serving(path) as server:
        assert await asyncio.to_thread(as_other_user, path.parent) == "refused by the file system"
        assert server.viewers == 0


@needs_root
async def test_other_user_who_gets_as_far_as_the_socket_hears_not_even_a_hello(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(path) as server:
        path.parent.chmod(0o755)
        path.chmod(0o666)  # noqa: ASYNC240
        assert await asyncio.to_thread(as_other_user, path.parent) == "heard 0 bytes"
        assert server.viewers == 0
    assert "a process of another user tried to attach" in caplog.text


async def test_peer_with_another_number_hears_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where nobody can become another user: the kernel's answer is replaced at the boundary."""
    monkeypatch.setattr(socket_file.os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(SafetyRefusal):
        listen(path)
    monkeypatch.undo()
    async with serving(path) as server:
        monkeypatch.setattr("cockpit.link.unix_server.is_same_user", lambda _line: False)
        async with line_to(path, ATTACH) as (reader, _):
            heard = b""
            with suppress(ConnectionError):
                heard = await reader.read(-1)
            assert heard == b""
        assert server.viewers == 0


def test_user_is_asked_of_the_kernel_and_not_of_the_peer(path: Path) -> None:
    with listen(path) as server, socket.socket(socket.AF_UNIX) as line:
        line.connect(os.fspath(path))
        server.setblocking(True)
        accepted, _ = server.accept()
        with accepted:
            assert is_same_user(accepted)
            raw = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            assert struct.unpack("3i", raw)[:2] == (os.getpid(), os.getuid())


# ------------------------------------------------------------------------------------------------- files, ports


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o770, 0o777])
def test_folder_that_others_may_enter_is_refused(path: Path, mode: int) -> None:
    path.parent.mkdir()
    path.parent.chmod(mode)
    with pytest.raises(SafetyRefusal, match="chmod 700"):
        listen(path)
    assert not path.exists()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_socket_is_private_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with listen(path):
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.parent.stat().st_mode & 0o777 == 0o700
        assert os.umask(umask) == umask
    finally:
        os.umask(before)


def tcp_listeners(pids: set[int]) -> list[tuple[int, str, int]]:
    """(pid, address, port) of every TCP socket on which these processes listen."""
    inodes: dict[str, tuple[str, int]] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A":
                address, _, port = fields[1].partition(":")
                inodes[fields[9]] = (address, int(port, 16))
    found = []
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = os.readlink(link)
                if target.startswith("socket:[") and target[8:-1] in inodes:
                    found.append((pid, *inodes[target[8:-1]]))
    return found


@needs_root  # the processes hide their descriptors from everybody else
def test_engine_listens_on_no_port_and_the_simulated_exchange_on_this_machine_alone(stage: Stage) -> None:
    assert stage.profile.simex is not None
    engine, simex = stage.engine.pid, stage.profile.simex["pid"]
    listeners = tcp_listeners({engine, simex})
    assert [each for each in listeners if each[0] == engine] == []
    assert {address for _, address, _ in listeners} == {"0100007F"}


# ------------------------------------------------------------------------------------------------ hostile bytes


def framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


@asynccontextmanager
async def line_to(path: Path, *frames: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"".join(frames))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize("length", [0, 256 * 1024 + 1, MAX_FRAME + 1, 2**31, 2**32 - 1])
async def test_frame_of_a_wrong_length_ends_the_connection_before_it_is_read(path: Path, length: int) -> None:
    desk = Desk()
    async with serving(path, desk), line_to(path, ATTACH, struct.pack(">I", length), b"x" * 100) as (reader, _):
        async with asyncio.timeout(5):
            with suppress(ConnectionError):
                await reader.read(-1)
    assert desk.taken == []


async def test_largest_frame_is_read_and_one_byte_more_is_not(path: Path) -> None:
    limit = LinkLimits().client_frame_bytes
    frame = CommandFrame(command_id="1", instance="", command=PauseEntries(), seen="")
    spare = limit - len(msgspec.msgpack.encode(frame)) - 4
    for extra, is_read in ((0, True), (1, False)):
        body = msgspec.msgpack.encode(msgspec.structs.replace(frame, instance="x" * (spare + extra)))
        assert len(body) == limit + extra
        async with serving(path) as server, line_to(path, ATTACH, framed(body)) as (reader, _):
            await until(lambda: server.viewers == int(is_read), "judged")  # noqa: B023
            if is_read:
                async with asyncio.timeout(5):
                    while b"started anew" not in await reader.read(1 << 16):
                        pass


COMMANDS: list[Command] = [
    PauseEntries(),
    FlattenAll(),
    ClosePosition("BTCUSDT", 50),
    ApproveSignal("signal-1", "hash"),  # type: ignore[arg-type]
]
GOOD = [
    *(
        CommandFrame(command_id=f"c{n}", instance=HELLO.instance, command=each, seen="x")
        for n, each in enumerate(COMMANDS)
    ),
    Watch(["BTCUSDT", "ETHUSDT"]),
    Attach(schema=SCHEMA, client="anna@host pts/1"),
]


def mutations(rng: random.Random) -> Iterator[bytes]:
    """Valid frames with bytes changed, cut out, doubled, put in, or cut off."""
    bodies = [msgspec.msgpack.encode(frame) for frame in GOOD]
    while True:
        body = bytearray(rng.choice(bodies))
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(len(body))
            match rng.randrange(6):
                case 0:
                    body[at] = rng.randrange(256)
                case 1:
                    body[at] ^= 1 << rng.randrange(8)
                case 2:
                    del body[at : at + rng.randint(1, 8)]
                case 3:
                    body[at:at] = rng.randbytes(rng.randint(1, 8))
                case 4:
                    body[at:at] = body[at : at + 8]
                case _:
                    del body[at:]
            if not body:
                break
        yield bytes(body) or b"\xc0"


@pytest.mark.parametrize("count", [FRAMES, pytest.param(FRAMES * 100, marks=pytest.mark.soak)])
def test_ten_thousand_mutated_frames_are_refused_or_are_exactly_what_they_say(count: int) -> None:
    """The decoder raises its own error and nothing else; what passes encodes to a frame of the same meaning."""
    texts = mutations(random.Random(20))
    refused = 0
    for _ in range(count):
        body = next(texts)
        try:
            frame = wire.client_frame(body)
        except RemoteProtocolError:
            refused += 1
            continue
        assert wire.client_frame(msgspec.msgpack.encode(frame)) == frame
        assert isinstance(frame, Attach | Watch | CommandFrame)
    assert refused > count * 0.5


async def test_ten_thousand_mutated_frames_over_the_socket_reach_the_engine_only_as_valid_commands(path: Path) -> None:
    """Each bad frame costs its own connection; a command that arrives is one that was sent, whole."""
    desk = Desk()
    texts = mutations(random.Random(21))
    valid: list[object] = []

    async def attack() -> None:
        bodies = [next(texts) for _ in range(5)]
        valid.extend(filter(None, map(decoded_or_none, bodies)))
        async with line_to(path, ATTACH, *map(framed, bodies)) as (reader, writer):
            with suppress(ConnectionError):
                writer.write_eof()
                async with asyncio.timeout(30):
                    await reader.read(-1)

    limits = LinkLimits(clients=10_000, commands_per_s=10**6)
    async with serving(path, desk, limits) as server, attached(path, "anna", True):
        for _ in range(FRAMES // 5):
            await attack()
        await until(lambda: server.viewers == 1, "every attacker is gone")
    assert len(valid) < FRAMES / 2
    assert desk.taken  # some changes of an id or a text leave a command valid
    for frame, _operator in desk.taken:
        assert frame.instance == HELLO.instance
        assert frame in valid


def decoded_or_none(body: bytes) -> object:
    try:
        return wire.client_frame(body)
    except RemoteProtocolError:
        return None


async def test_bytes_that_are_no_frames_at_all_leave_the_real_engine_as_it_was(stage: Stage) -> None:
    before = stage.profile.status()
    rng = random.Random(22)
    for _ in range(60):
        async with line_to(stage.profile.socket, rng.randbytes(rng.randint(1, 2_000))) as (reader, writer):
            with suppress(ConnectionError):
                writer.write_eof()
                async with asyncio.timeout(10):
                    await reader.read(-1)
    after = stage.profile.status()
    assert after["instance"] == before["instance"]
    assert after["header"]["entries"] == before["header"]["entries"]
    assert {task["restarts"] for task in after["health"]["tasks"]} == {0}
