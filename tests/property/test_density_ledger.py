"""The identity of the ledger, for any order of book frames and prints."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cockpit.detectors.erosion import ErosionLedger, quanta

sizes = st.floats(0.0, 1e6, allow_nan=False).map(lambda value: round(value, 3))
steps = st.lists(st.tuples(st.sampled_from(["size", "print", "expire"]), st.integers(0, 400), sizes), max_size=60)


@given(st.floats(0.001, 1e6).map(lambda value: round(value, 3)), steps)
def test_identity_holds_exactly_and_no_amount_is_negative(initial: float, script: list[tuple[str, int, float]]) -> None:
    ledger = ErosionLedger(initial, 500)
    now = 0
    printed = 0
    for action, gap, size in script:
        now += gap
        if action == "size":
            ledger.set_size(now, size)
        elif action == "print" and size:
            ledger.add_print(now, quanta(size))
            printed += quanta(size)
        else:
            ledger.expire(now)
        assert ledger.initial + ledger.refilled - ledger.traded - ledger.pulled - ledger.pending == ledger.current
        assert min(ledger.current, ledger.traded, ledger.pulled, ledger.refilled, ledger.pending) >= 0
    ledger.expire(now + 501)
    assert ledger.is_settled
    assert ledger.pending == 0
    assert ledger.traded == printed, "each print is credited once, and none is lost"
