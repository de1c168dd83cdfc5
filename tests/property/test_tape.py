"""Tape windows against a fresh count, under any shift of the clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cockpit.domain.enums import Side
from cockpit.domain.market import Trade
from cockpit.domain.time import NS_PER_MS
from cockpit.market.tape import WINDOWS_NS, TradeTape

steps = st.lists(
    st.tuples(st.integers(0, 20_000), st.sampled_from(list(Side)), st.integers(1, 9)), min_size=1, max_size=60
)


@given(steps, st.integers(0, 10**18))
def test_windows_equal_a_fresh_count_whatever_the_clock_says(rows: list[tuple[int, Side, int]], shift_ns: int) -> None:
    tape = TradeTape()
    seen: list[Trade] = []
    now_ns = shift_ns
    for gap_ms, side, size in rows:
        now_ns += gap_ms * NS_PER_MS
        seen.append(Trade(now_ns, side, 100.0, float(size), "x"))
        tape.add(seen[-1:])
        tape.advance(now_ns)
        for window_ns in WINDOWS_NS:
            inside = [one for one in seen if one.ts_event > now_ns - window_ns]
            window = tape.window(window_ns)
            assert window.count == len(inside)
            assert window.buy == sum(one.size for one in inside if one.side is Side.BUY)
            assert tape.volume(None, window_ns) == sum(one.size for one in inside)
