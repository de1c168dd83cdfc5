"""Fault F107: engines on two data folders, of the same count of starts, trade one account."""

from __future__ import annotations

from pathlib import Path

from cockpit.domain.enums import OrderStatus
from tests.faults.bench import BTC, CREATE, ETH, Bench


async def test_f107_of_two_engines_on_one_account_both_see_the_other_and_lock(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    other = Bench(bench.ready, folder, bench.symbols, bench.order_path)
    await other.start()
    try:
        assert other.core.state.settings.epoch == bench.core.state.settings.epoch
        await bench.control("fault/socket", channel="private", delay_s=1.0)  # both have sent before either is told
        ours, theirs = bench.signal(BTC), other.signal(ETH)
        assert ours != theirs

        both = (bench.core.state.locks, other.core.state.locks)
        await bench.until(lambda: all("instance" in locks for locks in both), "both are locked")
        assert await bench.size(BTC) > 0
        await bench.control("heal")
        refused = other.signal(BTC)
        await bench.until(lambda: "another engine" in other.note_of(refused), "no entry of the second leaves")
        assert OrderStatus.FILLED not in other.history(refused)
        links = [entry["params"]["orderLinkId"] for entry in await bench.requests(CREATE)]
        assert len(set(links)) == len(links) == 2
        assert not any(order.is_own for order in other.core.state.orders.open_orders() if order.symbol == BTC)
    finally:
        await other.stop()
        other.session.close()


async def test_f107_the_first_signal_of_a_second_folder_is_an_order_of_its_own(bench: Bench, tmp_path: Path) -> None:
    first = await bench.enter(BTC)
    await bench.control("manual/close", symbol=BTC)
    await bench.stop()
    folder = tmp_path / "other"
    folder.mkdir()
    other = Bench(bench.ready, folder, bench.symbols, bench.order_path)
    await other.start()
    try:
        assert await other.enter(BTC) == first, "the same signal of the same count of starts"
        assert "instance" not in other.core.state.locks
        links = {entry["params"]["orderLinkId"]: entry["ret_code"] for entry in await bench.requests(CREATE)}
        assert list(links.values()) == [0, 0]
    finally:
        await other.stop()
        other.session.close()
    engine = await bench.start(wait=False)
    await bench.until(
        lambda: engine.runner.core is not None and "instance" in engine.core.state.locks,
        "the first folder, back again, learns who traded meanwhile",
    )
