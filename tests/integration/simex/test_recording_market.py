"""A recording is played as it was recorded: order, spacing and texts; only what design decision 17 names is added."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

import msgspec

from tests.support.recorded import frames, recorded

REAL = "bybit-linear-2026-08/frames_ob50.jsonl.gz"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")


def recorded_frames(relative: str, prefixes: tuple[str, ...]) -> list[dict[str, Any]]:
    decoded = (msgspec.json.decode(raw) for _, raw in frames(relative))
    return [frame for frame in decoded if frame.get("topic", "").startswith(prefixes)]


def write_recording(path: Path, pushes: list[dict[str, Any]]) -> Path:
    lines = [{"rx": push["ts"] / 1000, "dir": "recv", "frame": push} for push in pushes]
    with gzip.open(path, "wb") as out:
        out.write(b"\n".join(msgspec.json.encode(line) for line in lines))
    return path


def book(ts: int, kind: str, bids: list[list[str]], asks: list[list[str]], u: int, depth: int = 50) -> dict[str, Any]:
    data = {"s": "TESTUSDT", "b": bids, "a": asks, "u": u, "seq": 1000 + u}
    return {"topic": f"orderbook.{depth}.TESTUSDT", "type": kind, "ts": ts, "data": data, "cts": ts - 3}


async def test_books_and_trades_leave_in_recorded_order_with_recorded_texts(exchange: Any, open_client: Any) -> None:
    expected = recorded_frames(REAL, ("orderbook.50.", "publicTrade."))
    topics = [f"{kind}.{symbol}" for symbol in SYMBOLS for kind in ("orderbook.50", "publicTrade")]
    market = f"recording:{recorded(REAL)}"
    async with (
        exchange(market=market, speed=200, recording_start_delay_s=0.05) as ready,
        open_client(f"{ready['public']}/linear") as client,
    ):
        await client.subscribe(*topics)
        got = []
        while len(got) < len(expected):
            got.append(await client.until(lambda frame: "topic" in frame))
    shift = got[0]["ts"] - expected[0]["ts"]
    last_u: dict[str, int] = {}
    for frame, original in zip(got, expected, strict=True):
        assert frame["topic"] == original["topic"]
        assert frame["type"] == original["type"]
        assert frame["ts"] == original["ts"] + shift
        if frame["topic"].startswith("publicTrade"):
            assert [row["T"] for row in frame["data"]] == [row["T"] + shift for row in original["data"]]
            assert [row["p"] for row in frame["data"]] == [row["p"] for row in original["data"]]
            continue
        assert frame["cts"] == original["cts"] + shift
        assert [frame["data"][key] for key in ("b", "a", "seq")] == [original["data"][key] for key in ("b", "a", "seq")]
        assert frame["data"]["u"] == last_u.get(frame["topic"], frame["data"]["u"] - 1) + 1
        last_u[frame["topic"]] = frame["data"]["u"]


async def test_recorded_tickers_are_republished(exchange: Any, open_client: Any) -> None:
    market = f"recording:{recorded(REAL)}"
    async with (
        exchange(market=market, speed=200, recording_start_delay_s=0.05) as ready,
        open_client(f"{ready['public']}/linear") as client,
    ):
        await client.subscribe("orderbook.50.BTCUSDT", "tickers.BTCUSDT")
        ticker = await client.until(lambda frame: frame.get("topic") == "tickers.BTCUSDT")
        assert ticker["type"] == "snapshot"
        assert ticker["data"]["fundingRate"] == "0.0001"
        assert "change24hSinceStart" not in ticker["data"]


async def test_nothing_is_told_before_an_order_book_has_a_listener(
    exchange: Any, open_client: Any, tmp_path: Path, control: Any
) -> None:
    pushes = [book(1_000_000, "snapshot", [["1.50", "20"]], [["1.51", "30"]], 5)]
    path = write_recording(tmp_path / "one.jsonl.gz", pushes)
    async with (
        exchange(market=f"recording:{path}", recording_start_delay_s=0.0) as ready,
        open_client(f"{ready['public']}/linear") as client,
    ):
        await client.subscribe("publicTrade.TESTUSDT", "tickers.TESTUSDT")
        assert (await control(ready, "status"))["started"] is False
        await client.subscribe("orderbook.50.TESTUSDT")
        frame = await client.until(lambda frame: frame.get("topic") == "orderbook.50.TESTUSDT")
        assert frame["type"] == "snapshot"
        assert frame["data"]["b"] == [["1.50", "20"]]


async def test_ticker_is_derived_and_flagged_when_the_recording_has_none(
    exchange: Any, open_client: Any, tmp_path: Path
) -> None:
    pushes = [
        book(1_000_000, "snapshot", [["1.50", "20"]], [["1.52", "30"]], 5),
        book(1_000_400, "delta", [["1.51", "10"]], [], 6),
    ]
    path = write_recording(tmp_path / "two.jsonl.gz", pushes)
    async with (
        exchange(market=f"recording:{path}", recording_start_delay_s=0.0) as ready,
        open_client(f"{ready['public']}/linear") as client,
    ):
        await client.subscribe("orderbook.50.TESTUSDT", "tickers.TESTUSDT", "orderbook.1.TESTUSDT")
        first = await client.until(lambda frame: frame.get("topic") == "tickers.TESTUSDT")
        assert first["data"]["markPrice"] == "1.51"
        assert first["data"]["change24hSinceStart"] is True
        second = await client.until(lambda frame: frame.get("topic") == "tickers.TESTUSDT")
        assert second["data"]["markPrice"] == "1.515"
        assert second["data"]["price24hPcnt"] == "0.003311"
        last = await client.until(lambda frame: "ended" in frame.get("data", {}))
        assert last["data"]["ended"] is True


async def test_deeper_book_than_recorded_is_refused(exchange: Any, open_client: Any, tmp_path: Path) -> None:
    path = write_recording(
        tmp_path / "one.jsonl.gz", [book(1_000_000, "snapshot", [["1.50", "20"]], [["1.51", "30"]], 5)]
    )
    async with (
        exchange(market=f"recording:{path}") as ready,
        open_client(f"{ready['public']}/linear") as client,
    ):
        ack = await client.subscribe("orderbook.200.TESTUSDT")
        assert ack["success"] is False
        assert ack["ret_msg"] == "error:handler not found,topic:orderbook.200.TESTUSDT"


async def test_end_of_the_recording_is_reported(exchange: Any, open_client: Any, tmp_path: Path, control: Any) -> None:
    path = write_recording(
        tmp_path / "one.jsonl.gz", [book(1_000_000, "snapshot", [["1.50", "20"]], [["1.51", "30"]], 5)]
    )
    async with (
        exchange(market=f"recording:{path}", recording_start_delay_s=0.0) as ready,
        open_client(f"{ready['public']}/linear") as client,
    ):
        await client.subscribe("orderbook.50.TESTUSDT")
        async with asyncio.timeout(10):
            while not (await control(ready, "status"))["ended"]:
                pass
