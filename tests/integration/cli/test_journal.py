"""``cockpit journal`` on a journal with trades whose figures have more digits than anybody reads."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest

from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.enums import Severity
from cockpit.domain.time import NS_PER_S
from cockpit.ports.journal import SystemEventRow, TradeRow
from tests.support.program import cockpit

NOW = 20_000 * 86_400 * NS_PER_S
ENTRY = Decimal("3174.840191082802547770700637")


def trade(name: str, symbol: str, qty: str, entry: Decimal, closed_s: int | None, net: str = "0") -> TradeRow:
    """A long that opened at ``NOW``."""
    return TradeRow(
        trade_id=name,
        symbol=symbol,
        kind="bounce",
        direction="Buy",
        opened_ns=NOW,
        qty=Decimal(qty),
        entry_price=entry,
        initial_stop=None,
        risk_usdt=Decimal(9),
        closed_ns=None if closed_s is None else NOW + closed_s * NS_PER_S,
        exit_price=None if closed_s is None else entry + 1,
        exit_reason="" if closed_s is None else "wall_eroded",
        net_pnl=Decimal(net),
        fees=Decimal("0.123456789"),
        r_multiple=None if closed_s is None else float(net) / 9,
    )


def event(text: str, after_s: int) -> SystemEventRow:
    return SystemEventRow(type="entries", severity=Severity.INFO, text=text, ts_ns=NOW + after_s * NS_PER_S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder whose journal holds three trades and two events."""
    (tmp_path / "sim").mkdir(mode=0o700)

    async def write() -> None:
        journal = SqlJournal(tmp_path / "sim" / "journal.sqlite", LiveClock())
        await journal.start(NOW)
        await journal.append(
            [
                trade("s1", "ETHUSDT", "5000", ENTRY, 5, "-4.391234567"),
                trade("s2", "DOGEUSDT", "12345678.5", Decimal("0.000012345678912"), 20, "13.5"),
                trade("s3", "BTCUSDT", "0.001", Decimal("67891.20"), None),
                event("entries on", 1),
                event("paused", 10),
            ]
        )
        await journal.aclose()

    asyncio.run(write())
    return tmp_path


def said(folder: Path, *arguments: str) -> list[str]:
    return cockpit("journal", *arguments, "--data-dir", str(folder)).stdout.splitlines()


def test_trades_are_rounded_for_people_in_columns_that_end_together(folder: Path) -> None:
    head, *rows = said(folder, "trades")
    names, cells = head.split(), {row.split()[2]: row.split() for row in rows}
    at = names.index("entry_price") + 1  # a time has a blank in it
    assert [cells[name][at] for name in ("ETHUSDT", "DOGEUSDT", "BTCUSDT")] == [
        "3174.8402",
        "0.000012345679",
        "67891.2",
    ]
    assert [cells[name][at - 1] for name in ("ETHUSDT", "DOGEUSDT", "BTCUSDT")] == ["5000", "12345678.5", "0.001"]
    assert [cells[name][names.index("net_pnl") + 1] for name in ("ETHUSDT", "DOGEUSDT")] == ["-4.3912", "13.5000"]
    end = head.index("entry_price") + len("entry_price")
    assert all(row[end - 1] != " " and row[end] == " " for row in rows)


def test_json_keeps_every_digit(folder: Path) -> None:
    rows = [json.loads(line) for line in said(folder, "trades", "--json")]
    assert str(ENTRY) in {row["entry_price"] for row in rows}


def test_statistics_end_with_a_line_a_day(folder: Path) -> None:
    rows = [line.split() for line in said(folder, "stats")]
    assert ["net_pnl", "9.1088"] in rows
    assert rows[-2:] == [["day", "trades", "wins", "net_pnl"], ["2024-10-04", "2", "1", "9.1088"]]
    assert json.loads(said(folder, "stats", "--json")[0])["net_pnl"] == "9.108765433"


def test_the_end_of_a_position_stands_among_the_events(folder: Path) -> None:
    rows = said(folder, "events")[1:]
    assert [row.split(maxsplit=4)[-1].split(maxsplit=1)[-1].strip() for row in rows if "closed" in row] == [
        "closed long 5000 by wall_eroded: -4.39 USDT -0.49 R",
        "closed long 12345678.5 by wall_eroded: +13.50 USDT +1.50 R",
    ]
    kinds = [json.loads(line)["type"] for line in said(folder, "events", "--json")]
    assert kinds == ["entries", "position_closed", "entries", "position_closed"]
    assert [json.loads(line)["type"] for line in said(folder, "events", "--json", "--limit", "2")] == kinds[2:]
    (only,) = (json.loads(line) for line in said(folder, "events", "--json", "--symbol", "ETHUSDT"))
    assert (only["symbol"], only["details"]) == ("ETHUSDT", {"trade_id": "s1"})
    assert len(said(folder, "events", "--csv")) == 5
