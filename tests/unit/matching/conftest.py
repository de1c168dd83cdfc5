"""Fixture for a fresh bench."""

import pytest

from tests.unit.matching.market import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
