"""The key cannot be shown by accident."""

from __future__ import annotations

import pickle
from pprint import pformat
from traceback import TracebackException

import pytest
from rich.pretty import pretty_repr

from cockpit.adapters.bybit.credentials import SecretKey

KEY = SecretKey("CANARYKEY", "CANARYSEC")


def test_no_way_of_printing_shows_key_or_secret() -> None:
    texts = [repr(KEY), str(KEY), f"{KEY}", f"{KEY!r:>40}", pformat({"k": KEY}), pretty_repr([KEY]), f"{KEY:>30}"]
    assert not any("CANARY" in text for text in texts)


def test_traceback_with_locals_shows_nothing() -> None:
    try:
        key = KEY
        raise ValueError(f"bad {key}")
    except ValueError as error:
        text = "".join(TracebackException.from_exception(error, capture_locals=True).format())
    assert "CANARYSEC" not in text
    assert "CANARYKEY" not in text


def test_it_is_neither_pickled_nor_iterated_nor_dumped() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(KEY)
    with pytest.raises(TypeError):
        list(KEY)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        vars(KEY)


def test_it_signs_like_the_protocol_page() -> None:
    key = SecretKey("testkey", "testsecret")
    expected = "f2f79889fd1201752936b389c890e9d393e01e0311a6d8785fb80753aa26c69b"
    assert key.sign("1700000000000" + key.reveal_key() + "5000" + "category=linear&symbol=BTCUSDT") == expected
