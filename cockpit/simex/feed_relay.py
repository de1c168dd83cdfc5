"""Live data as a market source: re-publishes an upstream's public frames. Nothing is ever made up.

When the upstream is lost, falls silent or leaves a gap, the exchange loses its books and closes its own public sockets,
as a broken stream would, and refuses new ones until the upstream is back.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from cockpit.domain.errors import ConfigError
from cockpit.ports.clock import Clock
from cockpit.simex.config import SimexConfig
from cockpit.simex.encode import text
from cockpit.simex.events import BookChange, MarketSink, TradeBatch
from cockpit.simex.rules import SymbolRules, instrument_of
from cockpit.simex.symbol_market import SymbolMarket
from cockpit.simex.wire_frames import FrameReader

log = logging.getLogger(__name__)

PING_S = 20.0
SILENCE_S = 10.0
"""An upstream that says nothing for this long is lost; ``orderbook.1`` alone speaks every 3 s."""
CHUNK = 50
"""Topics per subscribe request."""


class UpstreamLost(Exception):
    """The upstream stream is broken; the message says how."""


class RelayFeed:
    """The upstream of one exchange (implements ``feed.Feed``); made by ``open``."""

    def __init__(self, config: SimexConfig, rules: dict[str, SymbolRules], clock: Clock) -> None:
        self._config = config
        self._rules = rules
        self._clock = clock
        self._reader = FrameReader(rules, shift_ms=0)
        self._last_update_ids: dict[str, int] = {}

    @classmethod
    async def open(cls, config: SimexConfig, clock: Clock) -> RelayFeed:
        """Read the rules of the symbols from the upstream's REST.

        Raises:
            ConfigError: the upstream cannot be reached or does not list a symbol.
        """
        entries = await asyncio.to_thread(_instruments, config.relay_rest_url)
        missing = [symbol for symbol in config.symbols if symbol not in entries]
        if missing:
            raise ConfigError(f"relay: {config.relay_rest_url} does not list {', '.join(missing)}")
        rules = {symbol: SymbolRules(instrument_of(entries[symbol]), entries[symbol]) for symbol in config.symbols}
        return cls(config, rules, clock)

    def markets(self) -> list[SymbolMarket]:
        """One market per symbol, with the depths that are subscribed to upstream."""
        depths = frozenset(self._config.relay_depths)
        return [SymbolMarket(rules, depths) for rules in self._rules.values()]

    def jump(self, symbol: str, factor: float) -> None:
        """Live data cannot be moved."""
        raise ValueError("a relayed market cannot jump")

    async def run(self, sink: MarketSink) -> None:
        """Relay for ever; every loss is told once and followed by another attempt."""
        sink.on_lost()
        while True:
            try:
                await self._relay(sink)
            except (UpstreamLost, OSError, TimeoutError, WebSocketException) as error:
                log.warning("upstream %s lost: %r", self._config.relay_public_url, error)
                sink.on_lost()
            await self._clock.sleep(self._config.relay_retry_s)

    async def _relay(self, sink: MarketSink) -> None:
        """One connection, until it is lost."""
        self._last_update_ids.clear()
        url = self._config.relay_public_url
        async with connect(url, proxy=None, max_size=2**24, max_queue=None, close_timeout=1) as socket:
            topics = [
                f"{kind}.{symbol}"
                for symbol in self._rules
                for kind in (*(f"orderbook.{n}" for n in (1, *self._config.relay_depths)), "publicTrade", "tickers")
            ]
            for start in range(0, len(topics), CHUNK):
                await socket.send(text({"op": "subscribe", "args": topics[start : start + CHUNK]}))
            pinging = asyncio.create_task(self._ping(socket))
            try:
                sink.on_started()
                while True:
                    async with asyncio.timeout(SILENCE_S):
                        data = await socket.recv(decode=False)
                    self._tell(data, sink)
            finally:
                pinging.cancel()

    async def _ping(self, socket: ClientConnection) -> None:
        while True:
            await self._clock.sleep(PING_S)
            await socket.send(text({"op": "ping"}))

    def _tell(self, data: bytes, sink: MarketSink) -> None:
        try:
            event = self._reader.event(data)
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            raise UpstreamLost(f"unreadable frame: {error}") from error
        if event is None:
            self._check_answer(data)
        elif isinstance(event, BookChange):
            self._check_sequence(event)
            if event.recorded_depth != 1:
                sink.on_book(event)
        elif isinstance(event, TradeBatch):
            sink.on_trades(event)
        else:
            sink.on_ticker(event)

    def _check_answer(self, data: bytes) -> None:
        answer = msgspec.json.decode(data)
        if isinstance(answer, dict) and answer.get("success") is False:
            raise UpstreamLost(f"refused: {answer.get('ret_msg')}")

    def _check_sequence(self, change: BookChange) -> None:
        """Deltas must follow each other; anything else means that our book would be wrong."""
        topic = f"orderbook.{change.recorded_depth}.{change.symbol}"
        last = self._last_update_ids.get(topic)
        if not change.is_snapshot and (last is None or change.update_id != last + 1):
            raise UpstreamLost(f"gap in {topic}: {last} then {change.update_id}")
        self._last_update_ids[topic] = change.update_id


def _instruments(rest_url: str) -> dict[str, dict[str, Any]]:
    """All linear instruments of an upstream by symbol."""
    session = HTTP(max_retries=1, retry_codes={-1}, timeout=10)
    session.endpoint = rest_url
    session.client.trust_env = False
    entries: dict[str, dict[str, Any]] = {}
    cursor = ""
    try:
        while True:
            result = session.get_instruments_info(category="linear", limit=1000, cursor=cursor)["result"]
            entries.update({entry["symbol"]: entry for entry in result["list"]})
            cursor = result.get("nextPageCursor") or ""
            if not cursor:
                return entries
    except (OSError, FailedRequestError, InvalidRequestError) as error:
        raise ConfigError(f"relay: no instruments from {rest_url}: {error}") from error
    finally:
        session.client.close()
