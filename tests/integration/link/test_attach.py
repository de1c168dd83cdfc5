"""Screens on a real socket: what they see, who may act, and what the engine answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cockpit.domain.commands import ArmFlatten, FlattenAll, PauseEntries
from cockpit.domain.errors import SafetyRefusal
from cockpit.link.client import LinkRefused
from cockpit.link.unix_client import NoEngine, attach
from cockpit.link.viewer import LinkLimits
from cockpit.views.frames import Bye, CommandFrame, CommandReply, Role
from tests.support.link import HELLO, Desk, Screen, attached, book, flow, header, serving, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "engine.sock"


def is_there(path: Path) -> bool:
    return path.exists()


async def test_screen_learns_who_the_engine_is_and_sees_what_was_published_before(path: Path) -> None:
    async with serving(path) as server:
        server.publish([header(1), flow("BTCUSDT", "12")])
        async with attached(path) as client:
            screen = Screen(client)
            assert client.hello == HELLO
            await until(lambda: screen.view("header") == header(1))
            assert screen.role == Role(True, "anna", 1)
            assert screen.view("flow:BTCUSDT") is None


async def test_unchanged_section_is_not_sent_again(path: Path) -> None:
    async with serving(path) as server, attached(path) as client:
        screen = Screen(client)
        server.publish([header(1)])
        await until(lambda: screen.versions("header") == [1])
        server.publish([header(1)])
        server.publish([header(2)])
        await until(lambda: screen.view("header") == header(2))
        assert screen.versions("header") == [1, 2]


async def test_books_go_only_to_screens_that_watch_the_symbol(path: Path) -> None:
    async with serving(path) as server, attached(path, "anna") as anna, attached(path, "boris", True) as boris:
        await anna.watch(["BTCUSDT"])
        await boris.watch(["ETHUSDT", "NOSUCH"])
        await until(lambda: server.watched == {"BTCUSDT", "ETHUSDT"})
        screens = Screen(anna), Screen(boris)
        server.publish([book("BTCUSDT", 1.0), book("ETHUSDT", 2.0), book("SOLUSDT", 3.0), header(9)])
        await until(lambda: all(screen.view("header") == header(9) for screen in screens))
        assert [screen.view("book:BTCUSDT") is not None for screen in screens] == [True, False]
        assert [screen.view("book:ETHUSDT") is not None for screen in screens] == [False, True]


async def test_symbol_watched_again_does_not_show_its_old_book(path: Path) -> None:
    async with serving(path) as server, attached(path) as client:
        screen = Screen(client)
        await client.watch(["BTCUSDT"])
        await until(lambda: server.watched == {"BTCUSDT"})
        server.publish([book("BTCUSDT", 1.0)])
        await until(lambda: screen.versions("book:BTCUSDT") == [1])
        await client.watch(["ETHUSDT"])
        await until(lambda: server.watched == {"ETHUSDT"})
        await client.watch(["BTCUSDT"])
        await until(lambda: server.watched == {"BTCUSDT"})
        server.publish([header(1)])
        await until(lambda: screen.view("header") == header(1))
        assert screen.versions("book:BTCUSDT") == [1]
        server.publish([book("BTCUSDT", 1.0)])
        await until(lambda: screen.versions("book:BTCUSDT") == [1, 2])


async def test_first_screen_after_a_while_without_any_is_not_shown_what_was_then(path: Path) -> None:
    async with serving(path) as server:
        async with attached(path, "anna") as client:
            screen = Screen(client)
            server.publish([header(1)])
            await until(lambda: screen.view("header") == header(1))
        await until(lambda: server.viewers == 0)
        async with attached(path, "boris") as client:
            screen = Screen(client)
            await until(lambda: screen.role is not None)
            server.publish([header(2)])
            await until(lambda: screen.view("header") == header(2))
            assert screen.versions("header") == [2]


async def test_newest_operator_takes_over_and_everybody_is_told(path: Path) -> None:
    desk = Desk()
    async with serving(path, desk), attached(path, "anna") as anna:
        first = Screen(anna)
        async with attached(path, "boris") as boris, attached(path, "olga", True) as olga:
            screens = first, Screen(boris), Screen(olga)
            await until(lambda: all(screen.role is not None and screen.role.viewers == 3 for screen in screens))
            assert [screen.role and screen.role.is_controller for screen in screens] == [False, True, False]
            refused = await anna.send(PauseEntries())
            assert (refused.accepted, refused.reason.startswith("boris has taken over")) == (False, True)
            assert (await boris.send(PauseEntries())).accepted
        await until(lambda: first.role == Role(True, "anna", 1))
        assert (await anna.send(FlattenAll(), seen="2 positions")).accepted
    assert [(operator, frame.command, frame.seen) for frame, operator in desk.taken] == [
        ("boris", PauseEntries(), ""),
        ("anna", FlattenAll(), "2 positions"),
    ]


async def test_f058_a_screen_whose_control_was_taken_over_can_still_flatten(path: Path) -> None:
    desk = Desk()
    async with serving(path, desk), attached(path, "anna") as anna, attached(path, "boris") as boris:
        screen = Screen(boris)
        await until(lambda: screen.role is not None and screen.role.is_controller)
        for command in (ArmFlatten(), FlattenAll()):
            assert (await anna.send(command)).accepted
        assert not (await anna.send(PauseEntries())).accepted
    assert [(operator, frame.command) for frame, operator in desk.taken] == [
        ("anna", ArmFlatten()),
        ("anna", FlattenAll()),
    ]


async def test_f058_a_flatten_is_not_refused_for_the_commands_before_it(path: Path) -> None:
    desk = Desk()
    async with serving(path, desk, LinkLimits(commands_per_s=5)), attached(path) as client:
        await asyncio.gather(*(client.send(PauseEntries()) for _ in range(8)))
        assert (await client.send(ArmFlatten())).accepted
        assert (await client.send(FlattenAll())).accepted
    assert [frame.command for frame, _operator in desk.taken][5:] == [ArmFlatten(), FlattenAll()]


async def test_observer_cannot_send_a_command(path: Path) -> None:
    desk = Desk()
    async with serving(path, desk), attached(path, observer=True) as client:
        reply = await client.send(FlattenAll())
        assert (reply.accepted, reply.reason) == (
            False,
            "this screen only observes: attach without --observe to act",
        )
    assert desk.taken == []


async def test_command_for_an_earlier_start_of_the_engine_is_refused(path: Path) -> None:
    desk = Desk()
    async with serving(path, desk), attached(path) as client:
        client._hello = type(HELLO)(
            **{name: getattr(HELLO, name) for name in HELLO.__struct_fields__} | {"instance": "old"}
        )
        reply = await client.send(FlattenAll())
        assert not reply.accepted
        assert "started anew" in reply.reason
    assert desk.taken == []


async def test_commands_beyond_the_rate_are_refused_in_words(path: Path) -> None:
    desk = Desk()
    async with serving(path, desk, LinkLimits(commands_per_s=5)), attached(path) as client:
        replies = await asyncio.gather(*(client.send(PauseEntries()) for _ in range(8)))
        assert [reply.accepted for reply in replies] == [True] * 5 + [False] * 3
        assert replies[-1].reason == "more than 5 commands in a second"
    assert len(desk.taken) == 5


async def test_slow_judgement_does_not_delay_the_next_command(path: Path) -> None:
    released = asyncio.Event()

    class SlowDesk(Desk):
        async def judge(self, frame: CommandFrame, operator: str) -> CommandReply:
            if isinstance(frame.command, PauseEntries):
                await released.wait()
            return await super().judge(frame, operator)

    desk = SlowDesk()
    async with serving(path, desk), attached(path) as client:
        slow = asyncio.create_task(client.send(PauseEntries()))
        assert (await client.send(FlattenAll())).accepted
        released.set()
        assert (await slow).accepted


async def test_judgement_that_fails_is_answered_and_told_to_the_loop(path: Path) -> None:
    class BrokenDesk(Desk):
        async def judge(self, frame: CommandFrame, operator: str) -> CommandReply:
            if isinstance(frame.command, PauseEntries):
                raise SafetyRefusal("locked: the daily loss is reached")
            raise ZeroDivisionError

    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["exception"]))
    async with serving(path, BrokenDesk()), attached(path) as client:
        assert (await client.send(PauseEntries())).reason == "locked: the daily loss is reached"
        reply = await client.send(FlattenAll())
        assert not reply.accepted
        assert "look at positions" in reply.reason
        await until(lambda: told)
    assert isinstance(told[0], ZeroDivisionError)


async def test_engine_that_ends_says_goodbye_and_the_screen_cannot_send_any_more(path: Path) -> None:
    async with serving(path) as server, attached(path) as client:
        screen = Screen(client)
        await server.aclose("stopped by anna")
        await until(lambda: screen.is_over)
        assert screen.events[-1] == Bye("stopped by anna")
        with pytest.raises(ConnectionError):
            await client.send(PauseEntries())
    assert not is_there(path)


async def test_command_in_flight_when_the_engine_dies_raises(path: Path) -> None:
    stuck = asyncio.Event()

    class StuckDesk(Desk):
        async def judge(self, frame: CommandFrame, operator: str) -> CommandReply:
            await super().judge(frame, operator)
            await stuck.wait()
            raise AssertionError

    desk = StuckDesk()
    async with serving(path, desk) as server, attached(path) as client:
        command = asyncio.create_task(client.send(FlattenAll()))
        await until(lambda: desk.taken)
        for viewer in server._viewers:
            viewer.abort()
        with pytest.raises(ConnectionError, match="before it answered"):
            await command


async def test_ninth_screen_is_refused_in_words(path: Path) -> None:
    async with serving(path, limits=LinkLimits(clients=2)), attached(path, "a"), attached(path, "b"):
        with pytest.raises(LinkRefused, match="2 screens are attached already"):
            await attach(path, "c")


async def test_no_engine_is_told_apart_from_an_engine_that_refuses(path: Path) -> None:
    with pytest.raises(NoEngine):
        await attach(path, "anna")
    async with serving(path):
        pass
    with pytest.raises(NoEngine):
        await attach(path, "anna")


async def test_screen_of_another_schema_is_refused_with_the_engines_words(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(path):
        monkeypatch.setattr("cockpit.link.unix_client.SCHEMA", 99)
        with pytest.raises(LinkRefused, match=r"this engine \(0.1.0\) speaks schema .*, the screen speaks 99"):
            await attach(path, "anna")
