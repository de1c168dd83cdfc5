"""Clients that do not read, do not speak, or speak nonsense: none of them costs the engine or the others anything."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from cockpit.domain.commands import PauseEntries
from cockpit.domain.errors import ConfigError, SafetyRefusal
from cockpit.link.client import LinkRefused
from cockpit.link.socket_file import SocketTaken, listen
from cockpit.link.unix_client import attach
from cockpit.link.viewer import LinkLimits
from cockpit.link.wire import pack
from cockpit.views.frames import SCHEMA, Attach, CommandFrame, Watch
from tests.support.link import HELLO, Desk, Screen, attached, book, bulky_log, header, serving, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "engine.sock"


Raw = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def raw_client(path: Path, *frames: bytes) -> AsyncIterator[Raw]:
    """A connection that has sent ``frames`` and reads only if the test does."""
    reader, writer = await asyncio.open_unix_connection(path)
    for frame in frames:
        writer.write(frame)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Read to the end; False if the connection stays open."""
    try:
        async with asyncio.timeout(5):
            await reader.read(-1)
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


ATTACH = pack(Attach(schema=SCHEMA, client="mute"))
WATCH = pack(Watch(["BTCUSDT", "ETHUSDT"]))


async def test_client_that_never_reads_gets_the_present_when_it_reads_at_last(path: Path) -> None:
    async with serving(path) as server, attached(path, "anna", True) as client:
        screen = Screen(client)
        await client.watch(["BTCUSDT"])
        async with raw_client(path, ATTACH, WATCH) as (reader, _):
            await until(lambda: server.viewers == 2 and "ETHUSDT" in server.watched)
            for number in range(1, 401):
                server.publish([book("BTCUSDT", float(number), levels=400), header(number)])
                if not number % 20:
                    await until(lambda n=number: screen.view("header") == header(n))  # type: ignore[misc]
            assert screen.versions("book:BTCUSDT")[-1] == 400
            received = bytearray()
            async with asyncio.timeout(5):
                while msgspec.msgpack.encode(header(400)) not in received:
                    received += await reader.read(1 << 20)
            # 400 books were published to it; it was sent what fitted into the buffers, and then the newest.
            assert received.count(b"book:BTCUSDT") < 100


async def test_client_that_takes_nothing_of_too_much_is_dropped_and_the_others_stay(path: Path) -> None:
    limits = LinkLimits(pending_bytes=400_000, stalled_s=0.05)
    async with serving(path, limits=limits) as server, attached(path, "anna", True), raw_client(path, ATTACH):
        await until(lambda: server.viewers == 2)
        number = 0

        def publish() -> bool:
            nonlocal number
            number += 1
            server.publish([bulky_log(number, 500_000)])
            return server.viewers == 1

        await until(publish)


async def test_client_that_stalls_on_little_is_kept(path: Path) -> None:
    limits = LinkLimits(stalled_s=0.0)
    async with serving(path, limits=limits) as server, raw_client(path, ATTACH):
        await until(lambda: server.viewers == 1)
        for number in range(200):
            server.publish([header(number), book("BTCUSDT", float(number), levels=400)])
            await asyncio.sleep(0)
        assert server.viewers == 1


async def test_client_that_sends_commands_and_never_reads_the_answers_is_dropped(path: Path) -> None:
    limits = LinkLimits(commands_per_s=10**6, pending_replies=50, buffer_bytes=1)
    command = pack(CommandFrame(command_id="x" * 64, instance=HELLO.instance, command=PauseEntries()))
    async with serving(path, limits=limits) as server, raw_client(path, ATTACH) as (_reader, writer):
        await until(lambda: server.viewers == 1)

        def flood() -> bool:
            if not writer.is_closing():
                writer.write(command * 100)
            return server.viewers == 0

        await until(flood)


async def test_client_that_does_not_introduce_itself_is_closed(path: Path) -> None:
    async with serving(path, limits=LinkLimits(handshake_s=0.05)), raw_client(path) as (reader, _):
        assert await is_closed(reader)


def framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def packed(message: object) -> bytes:
    return framed(msgspec.msgpack.encode(message))


NONSENSE = {
    "empty frame": struct.pack(">I", 0),
    "frame of 4 GiB": struct.pack(">I", 0xFFFFFFFF),
    "frame above the client's cap": struct.pack(">I", 300_000),
    "no MessagePack": framed(b"\xc1\xc1"),
    "deep nesting": framed(b"\x91" * 200_000),
    "text that is no UTF-8": framed(b"\x81\xa4type\xa2\xff\xff"),
    "unknown frame": packed({"type": "root", "please": True}),
    "frame of the engine": packed({"type": "bye", "reason": "x"}),
    "second attach": ATTACH,
    "unknown field": packed({"type": "watch", "symbols": ["BTCUSDT"], "depth": 50}),
    "no symbol": packed({"type": "watch", "symbols": []}),
    "too many symbols": packed({"type": "watch", "symbols": ["A", "B", "C", "D", "E"]}),
    "unknown command": packed(
        {"type": "command", "command_id": "1", "instance": "epoch-7", "command": {"type": "Withdraw"}}
    ),
    "command with an unknown field": packed(
        {"type": "command", "command_id": "1", "instance": "epoch-7", "command": {"type": "FlattenAll", "now": True}}
    ),
    "overlong id": packed(
        {"type": "command", "command_id": "1" * 65, "instance": "epoch-7", "command": {"type": "FlattenAll"}}
    ),
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_closes_the_connection_and_reaches_nobody(path: Path, name: str) -> None:
    desk = Desk()
    async with (
        serving(path, desk) as server,
        attached(path) as client,
        raw_client(path, ATTACH, NONSENSE[name]) as (reader, _),
    ):
        assert await is_closed(reader)
        await until(lambda: server.viewers == 1)
        assert (await client.send(PauseEntries())).accepted
    assert len(desk.taken) == 1


@pytest.mark.parametrize("first", [WATCH, packed({"schema": SCHEMA}), packed({"type": "attach", "schema": SCHEMA})])
async def test_first_frame_must_be_a_complete_attach(path: Path, first: bytes) -> None:
    async with serving(path) as server, raw_client(path, first) as (reader, _):
        assert await is_closed(reader)
        assert server.viewers == 0


async def test_process_of_another_user_is_not_even_greeted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(path) as server:
        monkeypatch.setattr("cockpit.link.socket_file.os.getuid", lambda: os.geteuid() + 1)
        async with raw_client(path) as (reader, _):
            assert await reader.read() == b""
            assert server.viewers == 0


async def test_name_with_control_characters_is_not_let_in(path: Path) -> None:
    async with serving(path):
        with pytest.raises(LinkRefused):
            await attach(path, "anna\x1b]52;c;AAAA\x07")


async def test_mutated_frames_never_become_another_command_than_a_valid_one(path: Path) -> None:
    desk = Desk()
    rng = random.Random(7)
    good = msgspec.msgpack.encode(CommandFrame(command_id="1", instance=HELLO.instance, command=PauseEntries()))
    async with serving(path, desk, LinkLimits(clients=1000)) as server:
        for _ in range(150):
            body = bytearray(good)
            for _ in range(rng.randint(1, 4)):
                body[rng.randrange(len(body))] = rng.randrange(256)
            async with raw_client(path, ATTACH, framed(bytes(body))) as (_reader, writer):
                writer.write_eof()
                await asyncio.sleep(0)
        async with attached(path) as client:
            assert (await client.send(PauseEntries())).accepted
        await until(lambda: server.viewers == 0)
    assert {type(frame.command) for frame, _ in desk.taken} == {PauseEntries}


def test_socket_is_for_this_user_alone(path: Path) -> None:
    with listen(path):
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert path.stat().st_mode & 0o777 == 0o600


def test_folder_open_to_others_is_refused_with_the_remedy(path: Path) -> None:
    path.parent.mkdir(mode=0o755)
    path.parent.chmod(0o755)
    with pytest.raises(SafetyRefusal, match="chmod 700"):
        listen(path)


def test_folder_that_is_a_link_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    path.parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SafetyRefusal, match="not a folder"):
        listen(path)


def test_path_that_is_too_long_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="longer than 107 bytes"):
        listen(tmp_path / ("x" * 120))


def test_file_of_a_killed_engine_is_replaced_and_one_that_is_answered_is_not(path: Path) -> None:
    first = listen(path)
    with pytest.raises(SocketTaken, match="cockpit attach"):
        listen(path)
    first.close()
    assert path.exists()
    with listen(path), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(os.fspath(path))


def test_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_text("mine")
    with pytest.raises(ConfigError, match="no socket"):
        listen(path)
    assert path.read_text() == "mine"
