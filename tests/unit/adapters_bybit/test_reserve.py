"""Descriptors kept back for a flatten."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from cockpit.adapters.bybit.reserve import DescriptorReserve


@contextmanager
def no_descriptor_left(spare: int) -> Iterator[list[int]]:
    """This process may open ``spare`` more descriptors and then none; yields those that fill the holes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    taken: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + spare, hard))
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(spare):
            os.close(taken.pop())
        yield taken
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)


def opened(count: int) -> None:
    """As many connections as this can be made at once."""
    held = []
    try:
        held.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(count))
    finally:
        for descriptor in held:
            os.close(descriptor)


def test_f096_with_no_descriptor_free_a_flatten_has_those_of_the_reserve() -> None:
    reserve = DescriptorReserve(8)
    with no_descriptor_left(spare=8):
        assert reserve.take() == 8
        with pytest.raises(OSError, match="Too many open files"):
            opened(1)
        reserve.release()
        opened(8)
        assert reserve.take() == 8  # held again when the flatten is over
        reserve.release()


def test_f096_a_reserve_that_cannot_be_had_is_as_large_as_it_can_be() -> None:
    reserve = DescriptorReserve(8)
    with no_descriptor_left(spare=3):
        assert reserve.take() == 3
        reserve.release()
        opened(3)
