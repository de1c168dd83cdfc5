"""What holds for every test."""

from __future__ import annotations

import decimal
import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """The test that changes what belongs to the whole process fails itself, and not another one after it."""
    context = decimal.getcontext()
    before = context.copy()
    yield
    after, log_is_off = context.copy(), logging.root.manager.disable > logging.NOTSET
    decimal.setcontext(before)
    logging.disable(logging.NOTSET)
    assert not log_is_off, "the log is left switched off"
    assert (after.prec, after.rounding, after.traps) == (before.prec, before.rounding, before.traps)
