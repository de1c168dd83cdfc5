"""The call layer against a real HTTP server: every kind of answer and non-answer, and that nothing is sent twice."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cockpit.adapters.bybit.config import RestLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.endpoints import Endpoints
from cockpit.adapters.bybit.rest import BybitRest, Pool
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.errors import (
    AuthRejected,
    OutcomeUnknown,
    ServiceDown,
    VenueError,
    VenueRejected,
    VenueThrottled,
    VenueUnavailable,
)
from tests.support.gate import gate_before
from tests.support.scripted_http import Request, ScriptedHttp, ok, refusal, reply, scripted_http

KEY = SecretKey("testkey", "testsecret")
CREATE = "/v5/order/create"
LIST = "/v5/position/list"
TIME = "/v5/market/time"
FAST = RestLimits(order_deadline_s=0.5, read_deadline_s=0.5, connect_timeout_s=0.3)


@pytest.fixture
async def http() -> AsyncIterator[ScriptedHttp]:
    async with scripted_http() as script:
        yield script


@pytest.fixture
async def rest(http: ScriptedHttp) -> AsyncIterator[BybitRest]:
    made = rest_to(http.url)
    yield made
    made.close()


def rest_to(url: str, limits: RestLimits = FAST, alternate: str = "", key: SecretKey | None = KEY) -> BybitRest:
    endpoints = Endpoints(rest=url, rest_alternate=alternate, public="", private="")
    return BybitRest(endpoints, key, limits, LiveClock())


async def create(rest: BybitRest, pool: Pool = Pool.ORDERS) -> bytes:
    return await rest.change(lambda client: client.place_order(symbol="BTCUSDT", qty="0.001"), pool)


async def positions(rest: BybitRest, pool: Pool = Pool.READS) -> bytes:
    return await rest.read(lambda client: client.get_positions(category="linear", settleCoin="USDT"), pool)


async def test_signed_post_reaches_the_server_once_and_its_signature_holds(http: ScriptedHttp, rest: BybitRest) -> None:
    http.on(CREATE, ok({"orderId": "1"}))
    assert await create(rest) == b'{"orderId": "1"}'
    [request] = http.requests
    signed = request.headers["x-bapi-timestamp"] + "testkey" + "3000" + request.body
    assert request.headers["x-bapi-sign"] == KEY.sign(signed)
    assert request.headers["x-bapi-recv-window"] == "3000"


async def test_signed_get_reaches_the_server_and_its_signature_holds(http: ScriptedHttp, rest: BybitRest) -> None:
    http.on(LIST, ok({"list": []}))
    await positions(rest)
    [request] = http.requests
    signed = request.headers["x-bapi-timestamp"] + "testkey" + "3000" + request.query
    assert request.headers["x-bapi-sign"] == KEY.sign(signed)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"null",
        b"",
        b"<html>gateway</html>",
        b'{"retCode":0,"retMsg":"OK"}',
        b'{"retCode":0,"retMsg":"OK","result":null}',
        b'{"retCode":0,"result":[]}',
        b'{"retCode":"0","result":{}}',
        b'{"retCode":null,"result":{}}',
        b'{"retCode":0.5,"result":{}}',
        b'{"retCode":true,"result":{}}',
        b'{"retCode":0,"result":{"orderId":"1"',
        b'{"retMsg":"OK","result":{"orderId":"1"}}',
        b"\xff\xfe\x00",
        b'{"retCode":0,"result":' + b"[" * 100_000,
    ],
)
async def test_an_answer_that_is_none_is_unknown_and_not_sent_again(
    http: ScriptedHttp, rest: BybitRest, body: bytes
) -> None:
    http.on(CREATE, reply(body))
    with pytest.raises(OutcomeUnknown):
        await create(rest)
    assert http.count(CREATE) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 302, 307])
async def test_http_failures_of_a_change_are_unknown(http: ScriptedHttp, rest: BybitRest, status: int) -> None:
    http.on(CREATE, reply(b"<html>", status, {"Location": f"{http.url}/elsewhere"}))
    with pytest.raises(OutcomeUnknown):
        await create(rest)
    assert len(http.requests) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (10001, VenueRejected),
        (110007, VenueRejected),
        (110072, VenueRejected),
        (10006, VenueThrottled),
        (10003, AuthRejected),
        (33004, AuthRejected),
        (10016, ServiceDown),
        (10000, OutcomeUnknown),
        (123456, OutcomeUnknown),
        (30034, OutcomeUnknown),
        (130035, OutcomeUnknown),
    ],
)
async def test_each_code_is_judged_and_sent_once(
    http: ScriptedHttp, rest: BybitRest, code: int, kind: type[VenueError]
) -> None:
    http.on(CREATE, refusal(code, "words of the exchange"))
    with pytest.raises(kind, match="words of the exchange") as caught:
        await create(rest)
    assert type(caught.value) is kind
    assert http.count(CREATE) == 1


async def test_rate_limit_tells_its_reset_even_if_that_is_past(http: ScriptedHttp, rest: BybitRest) -> None:
    http.on(CREATE, refusal(10006, "too many", {"X-Bapi-Limit-Reset-Timestamp": "1000"}))
    with pytest.raises(VenueThrottled) as caught:
        await create(rest)
    assert caught.value.reset_ms == 1000


async def test_hang_up_after_the_request_is_unknown(http: ScriptedHttp, rest: BybitRest) -> None:
    http.on(CREATE, None)
    with pytest.raises(OutcomeUnknown):
        await create(rest)
    assert http.count(CREATE) == 1


async def test_half_a_body_is_unknown(http: ScriptedHttp, rest: BybitRest) -> None:
    async def half(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(ok({"orderId": "1"})[:-10])
        await writer.drain()
        writer.close()

    http.on(CREATE, lambda _: half)
    with pytest.raises(OutcomeUnknown):
        await create(rest)


async def test_refused_connection_is_not_sent(unused_tcp_port: int) -> None:
    rest = rest_to(f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(VenueUnavailable):
        await create(rest)
    rest.close()


async def test_f013_unknown_host_name_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    rest = rest_to("http://no-such-host.invalid")
    with pytest.raises(VenueUnavailable):
        await create(rest)
    rest.close()


async def test_plain_server_behind_a_tls_address_is_not_taken_for_a_yes(http: ScriptedHttp) -> None:
    rest = rest_to(http.url.replace("http:", "https:"))
    with pytest.raises(VenueError) as caught:
        await create(rest)
    assert not isinstance(caught.value, VenueRejected)
    rest.close()


async def test_f012_a_dripping_answer_ends_at_the_deadline_and_does_not_exhaust_the_pool(
    http: ScriptedHttp, rest: BybitRest
) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    http.on(CREATE, lambda _: drip)
    outcomes = await asyncio.gather(*(create(rest) for _ in range(4)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 4
    http.on(CREATE, ok({"orderId": "2"}))
    http.on(LIST, ok({"list": []}))
    assert await create(rest)
    assert await positions(rest, Pool.FLATTEN)


async def test_waiting_for_a_free_call_too_long_sends_nothing(http: ScriptedHttp) -> None:
    arrived = asyncio.Event()

    async def hang(_: Request, __: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.Event().wait()

    rest = rest_to(http.url, RestLimits(order_deadline_s=0.4, order_threads=1))
    http.on(CREATE, lambda _: hang)
    first = asyncio.create_task(create(rest))
    await arrived.wait()
    outcomes = await asyncio.gather(first, create(rest), create(rest), return_exceptions=True)
    assert isinstance(outcomes[0], OutcomeUnknown)
    assert sum(isinstance(outcome, VenueUnavailable) for outcome in outcomes[1:]) >= 1
    rest.close()


async def test_f096_a_machine_that_starts_no_thread_refuses_a_call_and_flatten_has_its_own(
    http: ScriptedHttp, rest: BybitRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    http.on(CREATE, ok({"orderId": "1"}))
    http.on(LIST, ok({"list": []}))

    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    with pytest.raises(VenueUnavailable, match="nothing was sent"):
        await create(rest)
    assert http.count(CREATE) == 0
    assert await positions(rest, Pool.FLATTEN_READS)
    assert await create(rest, Pool.FLATTEN)


async def test_f093_time_refusal_of_an_order_is_not_repeated_but_the_clock_is_measured_before_the_next(
    http: ScriptedHttp, rest: BybitRest
) -> None:
    ahead_ns = 3_600_000_000_000
    http.on(TIME, lambda _: ok({"timeSecond": "1", "timeNano": str(LiveClock().now_ns() + ahead_ns)}))
    http.on(CREATE, refusal(10002, "invalid request, please check your server timestamp"))
    with pytest.raises(VenueRejected):
        await create(rest)
    assert (http.count(CREATE), http.count(TIME)) == (1, 0)
    http.on(CREATE, ok({"orderId": "1"}))
    await create(rest)
    assert http.count(CREATE) == 2
    signed_ms = int(http.requests[-1].headers["x-bapi-timestamp"])
    assert abs(signed_ms - (LiveClock().now_ns() + ahead_ns) // 1_000_000) < 10_000


async def test_f093_an_entry_does_not_wait_for_the_clock_to_be_measured_again(
    http: ScriptedHttp, rest: BybitRest
) -> None:
    http.on(TIME, lambda _: ok({"timeNano": str(LiveClock().now_ns())}))
    http.on(LIST, ok({"list": []}))
    http.on(CREATE, refusal(10002))
    with pytest.raises(VenueRejected):
        await create(rest, Pool.ENTRIES)
    http.on(CREATE, ok({"orderId": "1"}))
    with pytest.raises(VenueUnavailable, match="nothing was sent"):
        await create(rest, Pool.ENTRIES)
    assert (http.count(CREATE), http.count(TIME)) == (1, 0)
    await positions(rest)
    await create(rest, Pool.ENTRIES)
    assert http.count(CREATE) == 2


async def test_time_refusal_of_a_read_is_repeated_once_with_the_measured_clock(
    http: ScriptedHttp, rest: BybitRest
) -> None:
    http.on(TIME, lambda _: ok({"timeNano": str(LiveClock().now_ns() - 5_000_000_000)}))
    answers = iter([refusal(10002), ok({"list": []})])
    http.on(LIST, lambda _: next(answers))
    await positions(rest)
    assert http.count(LIST) == 2
    assert -6e9 < rest.offset_ns < -4e9


async def test_ban_silences_everything_but_flatten(http: ScriptedHttp, rest: BybitRest) -> None:
    http.on(LIST, reply(b"access too frequent", 403))
    with pytest.raises(VenueThrottled):
        await positions(rest)
    http.on(LIST, ok({"list": []}))
    with pytest.raises(VenueUnavailable):
        await positions(rest)
    with pytest.raises(VenueUnavailable):
        await create(rest)
    assert await positions(rest, Pool.FLATTEN)
    assert rest.is_silenced


async def test_ban_as_answer_to_a_change_is_unknown(http: ScriptedHttp, rest: BybitRest) -> None:
    http.on(CREATE, reply(b"", 403))
    with pytest.raises(OutcomeUnknown):
        await create(rest)


async def test_flatten_changes_the_host_after_two_unanswered_calls(http: ScriptedHttp, unused_tcp_port: int) -> None:
    http.on(LIST, ok({"list": []}))
    rest = rest_to(f"http://127.0.0.1:{unused_tcp_port}", alternate=http.url)
    for _ in range(2):
        with pytest.raises(VenueUnavailable):
            await positions(rest, Pool.FLATTEN)
    assert await positions(rest, Pool.FLATTEN)
    with pytest.raises(VenueUnavailable):
        await positions(rest)
    rest.close()


async def test_failures_of_the_host_that_was_left_do_not_send_flatten_back_to_it(http: ScriptedHttp) -> None:
    http.on(LIST, ok({"list": []}))
    async with gate_before(http.url) as gate:
        gate.mute()
        limits = FAST.model_copy(update={"read_deadline_s": 0.3})
        hosts: list[str] = []
        endpoints = Endpoints(rest=gate.url, rest_alternate=http.url, public="", private="")
        rest = BybitRest(endpoints, KEY, limits, LiveClock(), hosts.append)
        await asyncio.gather(*(positions(rest, Pool.FLATTEN_READS) for _ in range(4)), return_exceptions=True)
        assert await positions(rest, Pool.FLATTEN)
        assert hosts == [http.url]
        rest.close()


async def test_proxy_of_the_environment_is_not_used(
    http: ScriptedHttp, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_tcp_port}")
    http.on(LIST, ok({"list": []}))
    rest = rest_to(http.url)
    assert await positions(rest)
    rest.close()


async def test_without_a_key_account_calls_are_not_sent(http: ScriptedHttp) -> None:
    rest = rest_to(http.url, key=None)
    with pytest.raises(VenueUnavailable):
        await positions(rest)
    http.on(TIME, lambda _: ok({"timeNano": str(LiveClock().now_ns())}))
    await rest.measure_offset()
    assert http.count(LIST) == 0
    rest.close()


async def test_neither_log_nor_repr_nor_error_shows_the_secret(
    http: ScriptedHttp, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    rest = rest_to(http.url, key=SecretKey("CANARYKEY", "CANARYSEC"))
    seen: list[Any] = []
    http.on(CREATE, refusal(10001, "bad"))
    with pytest.raises(VenueRejected) as caught:
        await rest.change(lambda client: (seen.append(client), client.place_order(symbol="X"))[1])
    out = capfd.readouterr()
    text = caplog.text + out.out + out.err + repr(seen) + str(seen[0]) + repr(caught.value) + repr(rest)
    assert "CANARY" not in text
    rest.close()


async def test_closed_rest_sends_nothing(http: ScriptedHttp, rest: BybitRest) -> None:
    rest.close()
    with pytest.raises(VenueUnavailable):
        await create(rest)
    assert http.requests == []
