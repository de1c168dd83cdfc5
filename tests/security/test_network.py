"""Nothing but the exchange itself gets a signed request, and only over a line whose other end proved who it is."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cockpit.adapters.bybit.config import BybitConfig, RestLimits, StreamLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.endpoints import Endpoints, endpoints_for
from cockpit.adapters.bybit.rest import BybitRest
from cockpit.adapters.bybit.tls import client_context
from cockpit.adapters.bybit.venue import BybitVenue
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError, OutcomeUnknown, VenueUnavailable
from cockpit.domain.events import StreamLost
from tests.support.scripted_http import ok, reply, scripted_http

KEY = SecretKey("CANARYKEY", "CANARYSEC")
DAY = datetime.timedelta(days=1)
CREATE = "/v5/order/create"


# --------------------------------------------------------------------------------------------------- certificates


class Authority:
    """A certificate authority of this test, in nobody's list of roots."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody's authority")])
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._certificate(self._name, self._key, 30 * DAY, is_authority=True))

    def server(self, kind: str) -> ssl.SSLContext:
        """A server that is ``trusted`` by the authority, ``expired``, of another ``host``, or its ``own`` authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        life = -2 * DAY if kind == "expired" else 30 * DAY
        host = "exchange.example" if kind == "host" else "localhost"
        raw = self._certificate(name, key, life, host=host, is_own=kind == "own")
        chain, secret = self._folder / f"{kind}.pem", self._folder / f"{kind}.key"
        chain.write_bytes(raw)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        secret.write_bytes(key.private_bytes(*form))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, secret)
        return context

    def _certificate(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        life: datetime.timedelta,
        *,
        host: str = "localhost",
        is_authority: bool = False,
        is_own: bool = False,
    ) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        names = [x509.DNSName(host), *([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] * (host == "localhost"))]
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name if is_own else self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + life)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
        )
        return builder.sign(key if is_own else self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


class Heard:
    """A TLS server that notes whatever is said to it once the line is secure."""

    def __init__(self) -> None:
        self.port = 0
        self.said = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.said += await reader.read(1)
            writer.write(reply({"retCode": 0, "retMsg": "OK", "result": {}}))
            await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(context: ssl.SSLContext) -> AsyncIterator[Heard]:
    heard = Heard()
    server = await asyncio.start_server(heard.serve, "127.0.0.1", 0, ssl=context)
    heard.port = server.sockets[0].getsockname()[1]
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # refused handshakes are what is tested
    try:
        yield heard
    finally:
        server.close()


def rest_to(url: str) -> BybitRest:
    return BybitRest(Endpoints(rest=url, public="ws://x", private="ws://x"), KEY, RestLimits(), LiveClock())


async def why_lost(venue: BybitVenue) -> str:
    """Why the first connection of the venue's streams failed."""
    await venue.subscribe(["BTCUSDT"])
    async with asyncio.timeout(10):
        async for event in venue.events():
            if isinstance(event, StreamLost):
                return event.reason
    return ""


CERTIFICATES = ["trusted", "expired", "host", "own"]
"""``trusted`` is right in everything but its authority, which only variables of the environment name."""


@pytest.mark.parametrize("kind", CERTIFICATES)
async def test_f014_neither_rest_nor_streams_speak_to_a_server_that_cannot_prove_its_name(
    authority: Authority, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(authority.file))
    monkeypatch.setenv("SSL_CERT_DIR", str(authority.file.parent))
    async with listening(authority.server(kind)) as heard:
        rest = rest_to(f"https://localhost:{heard.port}")
        with pytest.raises(VenueUnavailable, match="nothing was sent"):
            await rest.change(lambda client: client.place_order(symbol="BTCUSDT"))
        rest.close()
        base = f"wss://localhost:{heard.port}/v5"
        config = BybitConfig(rest_url="http://localhost:1", public_url=f"{base}/public", private_url=f"{base}/private")
        venue = BybitVenue(config, KEY, LiveClock(), Random(1))
        assert "CERTIFICATE_VERIFY_FAILED" in await why_lost(venue)
        await venue.aclose()
        assert heard.said == b""


async def test_the_same_server_is_fine_for_who_knows_its_authority(authority: Authority) -> None:
    knowing = client_context()
    knowing.load_verify_locations(authority.file)
    async with listening(authority.server("trusted")) as heard:
        _, writer = await asyncio.open_connection("localhost", heard.port, ssl=knowing)
        writer.write(b"x")
        await writer.drain()
        writer.close()


def test_no_old_protocol_is_spoken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = client_context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.keylog_filename is None


# ------------------------------------------------------------------------------------------- other hosts, other ways


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_signed_request_follows_no_redirect(status: int) -> None:
    async with scripted_http() as here, scripted_http() as there:
        here.on(CREATE, reply({}, status, {"Location": f"{there.url}{CREATE}"}))
        there.on(CREATE, ok({"orderId": "1", "orderLinkId": "x"}))
        rest = rest_to(here.url)
        with pytest.raises(OutcomeUnknown):
            await rest.change(lambda client: client.place_order(symbol="BTCUSDT"))
        rest.close()
        assert here.count(CREATE) == 1
        assert there.requests == []


async def test_stream_follows_no_redirect() -> None:
    async with scripted_http() as here, scripted_http() as there:
        for path in ("/v5/public/linear", "/v5/private"):
            here.on(path, reply({}, 302, {"Location": f"{there.url.replace('http', 'ws')}{path}"}))
        base = here.url.replace("http", "ws")
        config = BybitConfig(rest_url=here.url, public_url=f"{base}/v5/public", private_url=f"{base}/v5/private")
        venue = BybitVenue(config, KEY, LiveClock(), Random(1))
        assert "302" in await why_lost(venue)
        await venue.aclose()
        assert there.requests == []


async def test_proxies_and_passwords_of_the_environment_are_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with scripted_http() as here, scripted_http() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "WSS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        here.on(CREATE, ok({"orderId": "1", "orderLinkId": "x"}))
        rest = rest_to(here.url)
        await rest.change(lambda client: client.place_order(symbol="BTCUSDT"))
        rest.close()
        base = here.url.replace("http", "ws")
        config = BybitConfig(
            rest_url=here.url,
            public_url=f"{base}/v5/public",
            private_url=f"{base}/v5/private",
            streams=StreamLimits(connect_timeout_s=2),
        )
        venue = BybitVenue(config, KEY, LiveClock(), Random(1))
        await why_lost(venue)
        await venue.aclose()
        assert here.count("/v5/public/linear") + here.count("/v5/private") >= 1
        assert proxy.requests == []
        assert all("authorization" not in request.headers for request in here.requests)


@pytest.mark.parametrize("environment", [Environment.LIVE, Environment.DEMO, Environment.TESTNET])
@pytest.mark.parametrize(
    "url",
    [
        "https://api.bybit.com.evil.example", "https://evil.example", "http://api.bybit.com", "https://127.0.0.1",
        "https://api.bybit.com@evil.example", "https://evil.example/api.bybit.com", "ftp://api.bybit.com",
        "https://xn--bybt-vpa.com", "https://api.bybit.com?x=1", "https://api.bybit.com#x", "https://API.BYBIT.COM.",
    ],
)  # fmt: skip
def test_address_that_is_no_host_of_the_environment_is_refused(environment: Environment, url: str) -> None:
    with pytest.raises(ConfigError):
        endpoints_for(environment, rest=url)


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1:80", "http://example.com", "https://api.bybit.com", "http://0.0.0.0"]
)
def test_simulated_exchange_is_on_this_machine_alone(url: str) -> None:
    with pytest.raises(ConfigError):
        endpoints_for(Environment.SIM, rest=url, public="ws://127.0.0.1:1", private="ws://127.0.0.1:1")


def test_no_environment_takes_the_host_of_another() -> None:
    hosts = {environment: endpoints_for(environment).rest for environment in Environment if environment.value != "sim"}
    for environment in hosts:
        for other, url in hosts.items():
            if other is not environment:
                with pytest.raises(ConfigError):
                    endpoints_for(environment, rest=url)
