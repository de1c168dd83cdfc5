from __future__ import annotations

import pytest

from cockpit.domain.commands import PauseEntries
from cockpit.link.client import LinkEvent
from cockpit.link.local import LocalClient, local_pair
from cockpit.views.frames import Bye, Role, ViewFrame
from tests.support.link import HELLO, Desk, book, header


async def everything(client: LocalClient) -> list[LinkEvent]:
    return [event async for event in client.events()]


async def test_only_the_newest_of_each_section_is_kept_for_a_screen_that_does_not_look() -> None:
    server, client = local_pair(HELLO, Desk().judge)
    for number in range(100):
        server.publish([header(number)])
    await server.aclose("over")
    assert await everything(client) == [Role(True, "local", 1), ViewFrame("header", 100, header(99)), Bye("over")]


async def test_book_is_shown_once_its_symbol_is_watched() -> None:
    server, client = local_pair(HELLO, Desk().judge)
    server.publish([book("BTCUSDT", 1.0)])
    await client.watch(["BTCUSDT"])
    assert server.watched == {"BTCUSDT"}
    server.publish([book("BTCUSDT", 2.0)])
    await client.aclose()
    shown = [event.view for event in await everything(client) if isinstance(event, ViewFrame)]
    assert shown == [book("BTCUSDT", 2.0)]


async def test_commands_reach_the_engine_until_the_link_is_closed() -> None:
    desk = Desk()
    _server, client = local_pair(HELLO, desk.judge, "anna")
    assert (await client.send(PauseEntries(), seen="nothing")).accepted
    assert [(frame.instance, operator) for frame, operator in desk.taken] == [("epoch-7", "anna")]
    await client.aclose()
    with pytest.raises(ConnectionError):
        await client.send(PauseEntries())
