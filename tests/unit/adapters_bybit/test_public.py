"""The decoder of public frames: what each becomes, and that nothing wrong comes through."""

from __future__ import annotations

import pytest

from cockpit.adapters.bybit.public import PublicDecoder, symbol_of
from cockpit.domain.enums import Side
from cockpit.domain.errors import RemoteProtocolError
from cockpit.domain.events import MarketEnded
from cockpit.domain.market import BookDelta, BookSnapshot, Ticker, TouchHeartbeat, Trade, Trades

NOW = 1_700_000_000_000_000_000

DELTA = (
    b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1700000000012,"data":{"s":"BTCUSDT",'
    b'"b":[["100.10","3.5"],["100.00","0"]],"a":[["100.30","7"]],"u":12,"seq":99},"cts":1700000000010}'
)


def ticker(kind: str, fields: str, symbol: str = "BTCUSDT") -> bytes:
    return (
        f'{{"topic":"tickers.{symbol}","type":"{kind}","data":{{"symbol":"{symbol}"{fields}}},'
        f'"cs":1,"ts":1700000000500}}'
    ).encode()


def test_delta_keeps_the_levels_and_takes_the_matching_time() -> None:
    event = PublicDecoder().decode(DELTA, NOW)
    assert event == BookDelta(
        "BTCUSDT", 1_700_000_000_010_000_000, NOW, 12, 99, [(100.1, 3.5), (100.0, 0.0)], [(100.3, 7.0)]
    )


def test_snapshot_without_cts_takes_ts() -> None:
    raw = DELTA.replace(b'"delta"', b'"snapshot"').replace(b',"cts":1700000000010', b"")
    event = PublicDecoder().decode(raw, NOW)
    assert isinstance(event, BookSnapshot)
    assert event.ts_event == 1_700_000_000_012_000_000


def test_key_order_and_spaces_do_not_matter() -> None:
    raw = (
        b'{"ts": 1700000000012, "type": "delta", "cts": 1700000000010, "topic": "orderbook.50.BTCUSDT",\n "data": '
        b'{"u": 12, "seq": 99, "a": [["100.30", "7"]], "b": [["100.10", "3.5"], ["100.00", "0"]], "s": "BTCUSDT"}}'
    )
    assert PublicDecoder().decode(raw, NOW) == PublicDecoder().decode(DELTA, NOW)


def test_depth_one_is_a_heartbeat_and_an_empty_side_is_zero() -> None:
    raw = (
        b'{"topic":"orderbook.1.BTCUSDT","type":"snapshot","ts":5,"data":{"s":"BTCUSDT","b":[["100.1","3"]],"a":[],'
        b'"u":7,"seq":8},"cts":4}'
    )
    assert PublicDecoder().decode(raw, NOW) == TouchHeartbeat("BTCUSDT", 4_000_000, NOW, 7, 8, 100.1, 0.0)


def test_trades_keep_taker_side_and_block_flag() -> None:
    raw = (
        b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":20,"data":['
        b'{"T":18,"s":"BTCUSDT","S":"Sell","v":"0.5","p":"99.9","L":"MinusTick","i":"a-1","BT":false,"seq":3},'
        b'{"T":19,"s":"BTCUSDT","S":"Buy","v":"2","p":"100","i":"a-2","BT":true}]}'
    )
    assert PublicDecoder().decode(raw, NOW) == Trades(
        "BTCUSDT",
        20_000_000,
        NOW,
        [
            Trade(18_000_000, Side.SELL, 99.9, 0.5, "a-1", False),
            Trade(19_000_000, Side.BUY, 100.0, 2.0, "a-2", True),
        ],
    )


def test_ticker_delta_changes_only_what_it_names() -> None:
    decoder = PublicDecoder()
    decoder.decode(
        ticker(
            "snapshot",
            ',"lastPrice":"100.5","markPrice":"100.4","indexPrice":"100.3","price24hPcnt":"-0.0123",'
            '"turnover24h":"1000000.5","fundingRate":"-0.0001","nextFundingTime":"1700006400000","bid1Price":"1"',
        ),
        NOW,
    )
    event = decoder.decode(ticker("delta", ',"markPrice":"100.6"'), NOW + 1)
    assert event == Ticker(
        symbol="BTCUSDT",
        ts_event=1_700_000_000_500_000_000,
        ts_recv=NOW + 1,
        last_price=100.5,
        mark_price=100.6,
        index_price=100.3,
        change_24h=-0.0123,
        turnover_24h=1000000.5,
        funding_rate=-0.0001,
        next_funding_ns=1_700_006_400_000_000_000,
    )


def test_ticker_delta_before_its_snapshot_is_dropped() -> None:
    decoder = PublicDecoder()
    assert decoder.decode(ticker("delta", ',"markPrice":"100.6"'), NOW) is None
    decoder.decode(ticker("snapshot", ',"markPrice":"100.6"'), NOW)
    assert decoder.decode(ticker("delta", ',"markPrice":"100.6"', "ETHUSDT"), NOW) is None


def test_restart_forgets_merged_tickers() -> None:
    decoder = PublicDecoder()
    decoder.decode(ticker("snapshot", ',"markPrice":"100.6"'), NOW)
    decoder.restart()
    assert decoder.decode(ticker("delta", ',"lastPrice":"1"'), NOW) is None


def test_empty_ticker_number_means_not_applicable() -> None:
    event = PublicDecoder().decode(ticker("snapshot", ',"fundingRate":"","nextFundingTime":"0","indexPrice":"0"'), NOW)
    assert isinstance(event, Ticker)
    assert (event.funding_rate, event.next_funding_ns, event.index_price) == (None, None, None)


def test_change_since_start_is_flagged() -> None:
    event = PublicDecoder().decode(ticker("snapshot", ',"price24hPcnt":"0.01","change24hSinceStart":true'), NOW)
    assert isinstance(event, Ticker)
    assert event.is_change_since_start


def test_end_of_the_market_is_told_once_a_connection() -> None:
    decoder = PublicDecoder()
    ended = ticker("snapshot", ',"markPrice":"1","ended":true')
    assert decoder.decode(ended, NOW) == MarketEnded(NOW)
    assert isinstance(decoder.decode(ended, NOW), Ticker)
    decoder.restart()
    assert decoder.decode(ended, NOW) == MarketEnded(NOW)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"1","op":"ping"}',
        b'{"topic":"kline.1.BTCUSDT","data":[],"ts":1,"type":"snapshot"}',
        b'{"topic":"orderbook.rpi.BTCUSDT","type":"delta","ts":1,"data":{"s":"BTCUSDT","b":[["1","2","3"]],"a":[]}}',
        b'{"topic":"order","id":"1","creationTime":1,"data":[]}',
        b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":20,"data":[]}',
    ],
)
def test_frames_without_market_content_are_passed_over(raw: bytes) -> None:
    assert PublicDecoder().decode(raw, NOW) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"3.5"', b'""'),
        (b'"3.5"', b"null"),
        (b'"3.5"', b'"NaN"'),
        (b'"3.5"', b'"-3.5"'),
        (b'"3.5"', b'"Infinity"'),
        (b'"100.30"', b'"0"'),
        (b'"100.30"', b'"-1"'),
        (b'"100.30"', b'"1e999"'),
        (b'"u":12', b'"u":null'),
        (b'"delta"', b'"fresh"'),
        (b'"ts":1700000000012', b'"ts":"soon"'),
        (b'["100.30","7"]', b'["100.30"]'),
        (b'"s":"BTCUSDT"', b'"s":null'),
        (b'"s":"BTCUSDT"', b'"s":"\xff\xfe"'),
    ],
)
def test_a_wrong_value_is_refused_with_its_symbol(old: bytes, new: bytes) -> None:
    assert old in DELTA
    with pytest.raises(RemoteProtocolError) as caught:
        PublicDecoder().decode(DELTA.replace(old, new), NOW)
    assert caught.value.symbol == "BTCUSDT"
    assert caught.value.reason


def test_every_truncation_is_refused() -> None:
    for end in range(len(DELTA)):
        with pytest.raises(RemoteProtocolError):
            PublicDecoder().decode(DELTA[:end], NOW)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"<html>", b"\x00\xff", b'"text"', b"17", b'{"a":' * 100_000])
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        PublicDecoder().decode(raw, NOW)
    assert caught.value.symbol == ""


@pytest.mark.parametrize("value", ['"NaN"', '"-1"', "null", '"abc"', '"inf"'])
def test_wrong_ticker_price_is_refused(value: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        PublicDecoder().decode(ticker("snapshot", f',"markPrice":{value}'), NOW)
    assert caught.value.symbol == "BTCUSDT"


def test_symbol_of_a_truncated_frame() -> None:
    assert symbol_of(b'{"topic":"orderbook.50.1000PEPEUSDT","type":"del') == "1000PEPEUSDT"
    assert symbol_of(b'{"topic":"orderbook.50.BTCUS') == ""
    assert symbol_of(b'{"id":"1","topic":"order"}') == ""
