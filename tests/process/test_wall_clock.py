"""The machine's wall clock is set under an engine with an open position (reliability.md F94)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.request_record import CREATE
from tests.process.rig import EAGER, MARKET, Exchange, blocks, pause_entries, until_holding, until_so, write_config
from tests.process.stepped_clock import set_clock
from tests.process.verdict import judged
from tests.support.played import journal_rows
from tests.support.profile import ProfileFolder, profile_folder, wait_until

HOUR_S = 3_600
POSITIONS = "/v5/position/list"


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[ProfileFolder]:
    with profile_folder(tmp_path) as folder:
        yield folder


def test_f094_wall_clock_that_is_set_changes_nothing_for_open_positions(profile: ProfileFolder) -> None:
    step = profile.folder / "step"
    set_clock(step, 0)
    config = write_config(profile.folder / "trading.toml", EAGER)
    profile.start_headless(
        *MARKET, "--auto", "--config", str(config), program=("tests.process.stepped_clock", str(step))
    )
    exchange = Exchange(profile)
    with judged(profile) as verdict:
        until_holding(exchange, 1)
        pause_entries(profile)
        sent, engine = exchange.sent(CREATE), profile.told()["instance"]
        for seconds in (-HOUR_S, HOUR_S):
            set_clock(step, seconds)
            for symbol in exchange.positions():
                exchange.ask("manual/cancel", symbol=symbol)
            verdict.holds()
            reads = exchange.sent(POSITIONS)
            wait_until(lambda: exchange.sent(POSITIONS) > reads + 1, "the account is compared", 20.0)  # noqa: B023
            verdict.holds()
            until_so(lambda: blocks(profile) == ["paused by the operator"], "nothing else is wrong")
        assert exchange.sent(CREATE) == sent, "a position was closed for it"
        assert profile.told()["instance"] == engine, "another engine, on the true clock, has taken over"
    assert profile.cockpit("stop", "--leave-protected").returncode == 0
    slept = [row["text"] for row in journal_rows(profile.folder, "events") if row["type"] == "sleep"]
    assert len(slept) == 1, "a clock that is set forward looks like a sleep"
