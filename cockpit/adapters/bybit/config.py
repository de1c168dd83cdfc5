"""Settings of the Bybit adapter (section ``[venue]``). No secrets here, and no reading of files."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cockpit.adapters.bybit.endpoints import Endpoints, endpoints_for, trade_address
from cockpit.domain.enums import Environment, OrderPath


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class StreamLimits(_Section):
    """Deadlines and limits of one stream connection."""

    ping_interval_s: float = Field(default=20.0, gt=0)
    """Between two JSON pings; Bybit asks for 20 s."""
    private_ping_interval_s: float = Field(default=4.0, gt=0)
    """Between two pings of the private stream: entries need a pong of the last seconds."""
    pong_timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait for the answer to a ping before the connection counts as dead."""
    silence_s: float = Field(default=4.0, gt=0)
    """Longest silence of the public stream while ``orderbook.1``, which Bybit repeats every 3 s, is subscribed."""
    answer_timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait for the answer to auth, subscribe or unsubscribe."""
    snapshot_timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait for the first snapshot of a subscribed book before it is subscribed anew."""
    refused_retry_s: float = Field(default=30.0, gt=0)
    """Between two attempts to subscribe a topic that the exchange refused."""
    auth_lead_s: float = Field(default=10.0, gt=0)
    """How far in the future the expiry of the auth request lies."""
    bad_frames_per_minute: int = Field(default=3, ge=1)
    """This many frames that cannot be understood within a minute end the connection."""
    connect_timeout_s: float = Field(default=10.0, gt=0)
    """Longest time to open the connection."""
    backoff_min_s: float = Field(default=0.5, gt=0)
    """Upper bound of the random wait before the first reconnect; doubles each time."""
    backoff_max_s: float = Field(default=30.0, gt=0)
    """Upper bound of the random wait before any reconnect."""
    stable_after_s: float = Field(default=60.0, gt=0)
    """A connection that was ready this long starts the backoff from its beginning again."""
    connects_per_5min: int = Field(default=20, ge=1)
    """Connection attempts of all streams together in any 5 minutes (Bybit cuts at 500 per address)."""
    max_backlog: int = Field(default=20_000, ge=100)
    """Market events waiting for the engine; beyond it they are dropped and the public stream starts anew."""


class RestLimits(_Section):
    """Deadlines and limits of the REST calls."""

    recv_window_ms: int = Field(default=3000, ge=500, le=3000)
    """How long a signed request stays valid at the exchange: the time-to-live of an order on its way."""
    order_deadline_s: float = Field(default=3.0, gt=0)
    """Whole time of a call that changes something; after it the outcome is unknown."""
    read_deadline_s: float = Field(default=5.0, gt=0)
    """Whole time of a call that only reads."""
    connect_timeout_s: float = Field(default=2.0, gt=0)
    """Time to open a connection; a failure here is a definite "not sent"."""
    entry_threads: int = Field(default=2, ge=1, le=16)
    """Entry orders at the same time; they wait for nothing and nothing waits for them."""
    order_threads: int = Field(default=4, ge=1, le=16)
    """Other calls that change something at the same time."""
    read_threads: int = Field(default=4, ge=1, le=16)
    """Reading calls at the same time."""
    flatten_threads: int = Field(default=4, ge=1, le=16)
    """Calls of the flatten path at the same time; nothing else ever uses them."""
    rate_share: float = Field(default=0.5, gt=0, le=1)
    """Fraction of the exchange's published request limits that ordinary calls may use; the rest is flatten's."""
    ban_pause_s: float = Field(default=600.0, ge=0)
    """Silence of all ordinary calls after HTTP 403; Bybit asks for 10 minutes."""


class BybitConfig(_Section):
    """One environment of Bybit and how it is used."""

    environment: Environment = Environment.SIM
    """Where orders go: sim, demo, testnet or live."""
    rest_url: str = ""
    """REST address instead of the environment's own; required for sim."""
    rest_alternate_url: str = ""
    """Second REST address of the same exchange, for flatten when two calls in a row are not answered (live has one)."""
    public_url: str = ""
    """Base of the public streams (ends in /v5/public) instead of the environment's own; required for sim."""
    private_url: str = ""
    """Private stream instead of the environment's own; required for sim."""
    trade_url: str = ""
    """Trade socket instead of the environment's own; required for sim where orders go over it."""
    order_path: OrderPath = OrderPath.REST
    """The way of orders: rest, or socket (the trade socket /v5/trade). Entries wait for the socket; closes take REST
    while it is down; flatten always takes REST. Environment demo has no trade socket."""
    depth: Literal[50, 200] = 50
    """Levels a side of the subscribed book: 50 (every 20 ms) or 200 (every 100 ms)."""
    streams: StreamLimits = StreamLimits()
    """Deadlines and limits of the streams."""
    rest: RestLimits = RestLimits()
    """Deadlines and limits of the REST calls."""

    def endpoints(self) -> Endpoints:
        """The checked addresses; raises ``ConfigError``."""
        return endpoints_for(
            self.environment,
            rest=self.rest_url,
            rest_alternate=self.rest_alternate_url,
            public=self.public_url,
            private=self.private_url,
        )

    def trade_address(self) -> str:
        """The checked address of the trade socket; raises ``ConfigError``."""
        return trade_address(self.environment, self.trade_url)
