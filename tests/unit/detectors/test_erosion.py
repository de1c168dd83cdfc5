"""The ledger: every change of a level's size is traded, pulled or refilled, and each print counts once."""

from __future__ import annotations

from cockpit.detectors.erosion import QUANTA, ErosionLedger, quanta

WINDOW = 500


def ledger(size: float = 100.0) -> ErosionLedger:
    return ErosionLedger(size, WINDOW)


def amounts(of: ErosionLedger) -> tuple[float, ...]:
    """(current, traded, pulled, refilled, pending) in base currency."""
    return tuple(value / QUANTA for value in (of.current, of.traded, of.pulled, of.refilled, of.pending))


def test_print_before_its_book_frame_explains_the_decrease() -> None:
    wall = ledger()
    wall.add_print(100, quanta(30.0))
    wall.set_size(110, 70.0)
    assert amounts(wall) == (70.0, 30.0, 0.0, 0.0, 0.0)
    assert wall.is_settled


def test_print_after_its_book_frame_explains_the_decrease() -> None:
    wall = ledger()
    wall.set_size(100, 70.0)
    assert amounts(wall) == (70.0, 0.0, 0.0, 0.0, 30.0)
    wall.add_print(120, quanta(30.0))
    assert amounts(wall) == (70.0, 30.0, 0.0, 0.0, 0.0)


def test_decrease_without_print_is_pulled_after_the_window() -> None:
    wall = ledger()
    wall.set_size(100, 60.0)
    wall.expire(100 + WINDOW)
    assert amounts(wall)[2] == 0.0
    wall.expire(101 + WINDOW)
    assert amounts(wall) == (60.0, 0.0, 40.0, 0.0, 0.0)


def test_decrease_larger_than_its_prints_is_traded_in_part_and_pulled_in_part() -> None:
    wall = ledger()
    wall.add_print(100, quanta(10.0))
    wall.set_size(110, 50.0)
    wall.add_print(130, quanta(15.0))
    wall.expire(10_000)
    assert amounts(wall) == (50.0, 25.0, 25.0, 0.0, 0.0)


def test_print_without_visible_decrease_is_an_iceberg_refill() -> None:
    wall = ledger()
    wall.add_print(100, quanta(20.0))
    wall.expire(10_000)
    assert amounts(wall) == (100.0, 20.0, 0.0, 20.0, 0.0)


def test_each_print_is_credited_once() -> None:
    wall = ledger()
    wall.add_print(100, quanta(20.0))
    wall.set_size(110, 80.0)
    wall.set_size(120, 60.0)
    wall.expire(10_000)
    assert amounts(wall) == (60.0, 20.0, 20.0, 0.0, 0.0)


def test_print_and_decrease_further_apart_than_the_window_do_not_match() -> None:
    wall = ledger()
    wall.set_size(100, 90.0)
    wall.add_print(101 + WINDOW, quanta(10.0))
    wall.expire(10_000)
    assert amounts(wall) == (90.0, 10.0, 10.0, 10.0, 0.0)


def test_increase_is_refilled_even_while_a_decrease_waits() -> None:
    wall = ledger()
    wall.set_size(100, 90.0)
    wall.set_size(110, 95.0)
    assert amounts(wall) == (95.0, 0.0, 0.0, 5.0, 10.0)


def test_print_for_a_gone_level_takes_no_more_than_what_waits() -> None:
    wall = ledger(5.0)
    wall.set_size(100, 0.0)
    assert wall.explain(110, quanta(8.0)) == quanta(3.0)
    assert amounts(wall) == (0.0, 5.0, 0.0, 0.0, 0.0)
