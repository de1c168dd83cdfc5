"""Frames and replies as Bybit words them (bybit-v5.md 2.1, 9, 10). Pure; the exchange's own encoder.

Nothing here is shared with the Bybit adapter: a misread field must not cancel out.
"""

from __future__ import annotations

from typing import Any

import msgspec

_encode = msgspec.json.encode


class _BookData(msgspec.Struct, gc=False):
    s: str
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    u: int
    seq: int


class BookFrame(msgspec.Struct, gc=False):
    """An ``orderbook`` push."""

    topic: str
    type: str
    ts: int
    data: _BookData
    cts: int


class BookStamp(msgspec.Struct, frozen=True, gc=False):
    """Numbers that a book push carries besides its levels."""

    update_id: int
    seq: int
    ts_ms: int
    cts_ms: int


def book_frame(
    topic: str, kind: str, bids: list[tuple[str, str]], asks: list[tuple[str, str]], stamp: BookStamp
) -> str:
    """An ``orderbook.N.SYMBOL`` push; ``kind`` is snapshot or delta."""
    data = _BookData(topic.rsplit(".", 1)[1], bids, asks, stamp.update_id, stamp.seq)
    return _encode(BookFrame(topic, kind, stamp.ts_ms, data, stamp.cts_ms)).decode()


def trade_frame(symbol: str, ts_ms: int, rows: list[dict[str, Any]]) -> str:
    """A ``publicTrade`` push."""
    return text({"topic": f"publicTrade.{symbol}", "type": "snapshot", "ts": ts_ms, "data": rows})


def ticker_frame(symbol: str, kind: str, fields: dict[str, Any], cs: int, ts_ms: int) -> str:
    """A ``tickers`` push."""
    data = {"symbol": symbol, **fields}
    return text({"topic": f"tickers.{symbol}", "type": kind, "data": data, "cs": cs, "ts": ts_ms})


def public_ack(op: str, req_id: Any, conn_id: str, *, error: str = "", ret_msg: str = "") -> str:
    """The one answer to a request on a public linear socket; ``req_id`` is echoed with its type."""
    frame: dict[str, Any] = {"success": not error, "ret_msg": error or ret_msg, "conn_id": conn_id}
    if req_id is not None:
        frame["req_id"] = req_id
    return text({**frame, "op": op})


def private_push(topic: str, push_id: str, now_ms: int, rows: list[dict[str, Any]]) -> str:
    """A push of a private topic."""
    return text({"id": push_id, "topic": topic, "creationTime": now_ms, "data": rows})


def reply(ret_code: int, ret_msg: str, result: Any, now_ms: int, ext: Any = None) -> bytes:
    """The envelope of every REST reply."""
    envelope = {"retCode": ret_code, "retMsg": ret_msg, "result": result, "retExtInfo": ext or {}, "time": now_ms}
    return _encode(envelope)


def text(frame: Any) -> str:
    """Compact JSON text of a frame."""
    return _encode(frame).decode()
