"""Signatures over raw bytes, and the time window."""

from typing import Any

import pytest

from cockpit.simex.auth import Credentials, Refusal, check_request, check_socket

KEY = Credentials("testkey", "testsecret")
NOW = 1_700_000_000_000

VECTORS = [
    (b"category=linear&symbol=BTCUSDT", "f2f79889fd1201752936b389c890e9d393e01e0311a6d8785fb80753aa26c69b"),
    (b"", "2fc9e776b3f07b2ee447067e0f627438055b198bb14dba79e1a3d50e40a5bd8d"),
    (
        b'{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"100"}',
        "930237cc402acc1fd8c572b3cef7cff140661b50ac4399b8050b596ecf1c4e44",
    ),
    (
        b'{"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", '
        b'"qty": "0.001", "price": "100"}',
        "ff17b135b83b1f905ff5fafd73731117f64ca0ae732b70c98cc15ff935f5bce4",
    ),
]


def headers(signature: str, **change: str) -> dict[str, str]:
    usual = {
        "x-bapi-api-key": "testkey",
        "x-bapi-timestamp": str(NOW),
        "x-bapi-recv-window": "5000",
        "x-bapi-sign": signature,
    }
    return {**usual, **{f"x-bapi-{name.replace('_', '-')}": value for name, value in change.items()}}


@pytest.mark.parametrize(("payload", "signature"), VECTORS)
def test_signature_of_the_raw_payload_is_accepted(payload: bytes, signature: str) -> None:
    check_request(KEY, headers(signature), payload, NOW)


@pytest.mark.parametrize(
    ("change", "offset_ms", "code"),
    [
        ({"sign": "0" * 64}, 0, 10004),
        ({"api_key": "other"}, 0, 10003),
        ({}, 5001, 10002),
        ({}, -1000, 10002),
        ({"timestamp": "soon"}, 0, 10001),
    ],
)
def test_bad_requests_are_refused_with_their_code(change: dict[str, str], offset_ms: int, code: int) -> None:
    payload, signature = VECTORS[0]
    with pytest.raises(Refusal) as caught:
        check_request(KEY, headers(signature, **change), payload, NOW + offset_ms)
    assert caught.value.code == code


@pytest.mark.parametrize("offset_ms", [5000, -999])
def test_edges_of_the_time_window_are_inside(offset_ms: int) -> None:
    payload, signature = VECTORS[0]
    check_request(KEY, headers(signature), payload, NOW + offset_ms)


@pytest.mark.parametrize("expires", [1_700_000_010_000, "1700000010000"])
def test_socket_signature_takes_number_and_text(expires: Any) -> None:
    signature = "6a806639d27b1c24c3808a191e9d0274d0c9d3a04a160233856d65840dfda2c8"
    assert check_socket(KEY, ["testkey", expires, signature], NOW) == ""
    assert check_socket(KEY, ["testkey", expires, signature], NOW + 20_000) == "Params Error"
    assert check_socket(KEY, ["testkey", expires, "0" * 64], NOW) == "Invalid sign"
    assert check_socket(KEY, ["testkey", expires], NOW) == "Params Error"
