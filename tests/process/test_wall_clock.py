"""The machine's wall clock is set under an engine with an open position (reliability.md F94)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.request_record import CREATE
from tests.process.rig import EAGER, MARKET, Exchange, blocks, pause_entries, until_holding, until_so, write_config
from tests.process.verdict import judged
from tests.support.profile import ProfileFolder, profile_folder, wait_until

HOUR_S = 3_600
POSITIONS = "/v5/position/list"


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[ProfileFolder]:
    with profile_folder(tmp_path) as folder:
        yield folder


def test_f094_wall_clock_that_is_set_changes_nothing_for_open_positions(profile: ProfileFolder) -> None:
    step = profile.folder / "step"
    step.write_text("0")
    config = write_config(profile.folder / "trading.toml", EAGER)
    profile.start_headless(
        *MARKET, "--auto", "--config", str(config), program=("tests.process.stepped_clock", str(step))
    )
    exchange = Exchange(profile)
    with judged(profile) as verdict:
        until_holding(exchange, 1)
        pause_entries(profile)
        sent = exchange.sent(CREATE)
        for seconds in (-HOUR_S, HOUR_S):
            step.write_text(str(seconds))
            for symbol in exchange.positions():
                exchange.ask("manual/cancel", symbol=symbol)
            verdict.holds()
            reads = exchange.sent(POSITIONS)
            wait_until(lambda: exchange.sent(POSITIONS) > reads + 1, "the account is compared", 20.0)  # noqa: B023
            verdict.holds()
            until_so(lambda: blocks(profile) == ["paused by the operator"], "nothing else is wrong")
        assert exchange.sent(CREATE) == sent, "a position was closed for it"
