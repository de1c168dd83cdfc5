"""Any bytes into the private decoder: a push, nothing, or a refusal; never another exception."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.adapters.bybit.private import decode_private
from cockpit.domain.errors import RemoteProtocolError
from cockpit.domain.events import AccountPush

GOLDEN = Path(__file__).parents[1] / "data" / "bybit"
FRAMES = [json.loads((GOLDEN / f"private_{name}.json").read_bytes()) for name in ("order", "execution", "position")]

_junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["1e99999", "-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


def decode(raw: bytes) -> AccountPush | None:
    try:
        return decode_private(raw, 0)
    except RemoteProtocolError:
        return None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_push_or_a_refusal(raw: bytes) -> None:
    decode(raw)


@given(st.sampled_from(FRAMES), st.data())
def test_any_value_in_any_field_is_a_push_or_a_refusal(frame: dict[str, Any], data: st.DataObject) -> None:
    changed = json.loads(json.dumps(frame))
    row = data.draw(st.sampled_from(changed["data"]))
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(_junk)
    decode(json.dumps(changed).encode())


@pytest.mark.parametrize("frame", FRAMES, ids=[frame["topic"] for frame in FRAMES])
def test_every_missing_field_is_harmless_or_refused(frame: dict[str, Any]) -> None:
    for name in frame["data"][0]:
        changed = json.loads(json.dumps(frame))
        del changed["data"][0][name]
        decode(json.dumps(changed).encode())
