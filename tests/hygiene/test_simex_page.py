"""docs/SIMEX.md names every control verb of the simulated exchange, every field of a fault, and nothing else."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cockpit.adapters.system.clock import LiveClock
from cockpit.simex.config import SimexConfig
from cockpit.simex.control import Control
from cockpit.simex.exchange import Exchange
from cockpit.simex.faults import OrderFault, RequestFault, SocketFault
from cockpit.simex.request_log import RequestLog
from cockpit.simex.server import open_feed
from cockpit.simex.state import load_ledger
from tests.support.program import ROOT

PAGE = (ROOT / "docs" / "SIMEX.md").read_text()
HELD = "held"


async def test_the_page_names_the_verbs_of_the_control_api_and_no_others() -> None:
    config, clock = SimexConfig(), LiveClock()
    feed = await open_feed(config, clock)
    exchange = Exchange(config, clock, feed.markets(), load_ledger(None, config.market, "x", Decimal(1)))
    verbs = Control(exchange, RequestLog(), feed).verbs
    rows = re.findall(r"^\| `(GET|POST) /sim/([a-z/]+)` \|", PAGE, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == set(verbs)
    assert set(re.findall(r"(GET|POST) /sim/([a-z/]+)", PAGE)) == set(verbs)


@pytest.mark.parametrize(
    ("heading", "form"), [("Of requests", RequestFault), ("Of orders", OrderFault), ("Of sockets", SocketFault)]
)
def test_the_page_names_the_fields_of_each_kind_of_fault(heading: str, form: type[Any]) -> None:
    (paragraph,) = re.findall(rf"^{heading}: (.*?)\n\n", PAGE, re.MULTILINE | re.DOTALL)
    fields = {field.name for field in msgspec.structs.fields(form)} - {HELD}
    assert set(re.findall(r"`(\w+)`", paragraph)) == fields
