"""The configuration as people and tools see it."""

from __future__ import annotations

import json

from cockpit.config.keys import LEAVES
from cockpit.config.load import load_settings
from cockpit.config.show import schema, show


def test_every_key_is_shown_with_value_and_source() -> None:
    environ = {"COCKPIT_ENGINE__APPROVAL_BY_KIND": '{ bounce = "observe" }'}
    rows = {row.key: row for row in show(load_settings(None, {"venue.symbols": "BTCUSDT"}, environ))}
    assert list(rows) == list(LEAVES)
    assert (rows["venue.symbols"].value, rows["venue.symbols"].source) == ('["BTCUSDT"]', "flag --symbols")
    assert rows["venue.environment"].value == '"sim"'
    assert rows["ui.mouse"].value == "false"
    assert rows["risk.risk_pct"].value == "0.1"
    assert rows["engine.approval_by_kind"].value == '{"bounce" = "observe"}'
    assert rows["keys"].value == "{}"


def test_a_password_in_the_database_address_is_not_shown() -> None:
    environ = {"COCKPIT_JOURNAL__URL": "postgresql+psycopg://bot:geheim@db/x"}
    rows = show(load_settings(None, {}, environ))
    assert not any("geheim" in row.value for row in rows)


def test_the_schema_is_json_and_closed() -> None:
    text = json.dumps(schema())
    assert '"risk_pct"' in text
    assert schema()["additionalProperties"] is False
