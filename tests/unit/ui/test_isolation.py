"""The table of the isolation rule, row by row, on the rule itself."""

import pytest

from cockpit.ui.isolation import Isolation, Verdict

MONEY = frozenset("abdeghpxz12345y")


def play(*keys: tuple[float, str]) -> list[tuple[Verdict, str]]:
    """Verdicts of keys at times (s), polled every 5 ms until 4 s after the last."""
    rule, verdicts, now = Isolation(MONEY, "X", 0.08), [], 0.0
    for time, key in (*keys, (keys[-1][0] + 4.0, "")):
        while now < time - 1e-9:
            verdicts += rule.poll(now)
            now += 0.005
        if key:
            verdicts += rule.feed(key, time)
    return [(outcome.verdict, outcome.key) for outcome in verdicts]


def released(*keys: tuple[float, str]) -> list[str]:
    return [key for verdict, key in play(*keys) if verdict is Verdict.RELEASED]


def typed(start: float, text: str, gap: float = 0.001) -> list[tuple[float, str]]:
    return [(start + index * gap, key) for index, key in enumerate(text)]


def test_a_single_action_key_acts_after_the_quiet_time() -> None:
    rule = Isolation(MONEY, "X", 0.08)
    assert rule.feed("a", 1.0) == []
    assert rule.poll(1.079) == []
    assert [outcome.key for outcome in rule.poll(1.081)] == ["a"]


def test_a_terminals_answer_broken_in_two_acts_on_nothing() -> None:
    assert released(*typed(0.0, "[?20"), *typed(0.15, "26;2$y")) == []


def test_its_last_byte_alone_later_acts_on_nothing() -> None:
    assert released(*typed(0.0, "[?2026;2$"), (0.4, "y")) == []


def test_a_broken_arrow_acts_on_nothing() -> None:
    assert released((0.0, "escape"), (0.001, "["), (0.002, "a")) == []


def test_delete_in_four_single_pieces_acts_on_nothing() -> None:
    assert released((0.0, "escape"), (0.2, "["), (0.4, "3"), (0.6, "~")) == []


def test_escape_and_then_a_lone_digit_acts_on_nothing() -> None:
    assert released((0.0, "escape"), (0.2, "1")) == []


def test_a_lone_escape_locks_for_no_longer_than_a_third_of_a_second() -> None:
    assert released((0.0, "escape"), (0.4, "1")) == ["1"]


def test_an_unbracketed_paste_acts_on_nothing() -> None:
    verdicts = play(*typed(0.0, "yyXX"))
    assert Verdict.FIRE_FLATTEN not in [verdict for verdict, _ in verdicts]
    assert Verdict.RELEASED not in [verdict for verdict, _ in verdicts]


def test_an_action_key_after_scrolling_acts() -> None:
    scrolling = [(0.033 * step, "j") for step in range(20)]
    assert released(*scrolling, (scrolling[-1][0] + 0.3, "a")) == ["a"]


def test_scrolling_and_action_bunched_say_so() -> None:
    assert play((0.0, "j"), (0.002, "a")) == [(Verdict.REFUSED_TOGETHER, "a")]
    assert play((0.0, "a"), (0.05, "j")) == [(Verdict.REFUSED_TOGETHER, "a")]


@pytest.mark.parametrize("repeat", [0.033, 0.1, 0.12])
def test_a_held_flatten_key_arms_and_never_executes(repeat: float) -> None:
    verdicts = [verdict for verdict, _ in play((0.0, "X"), *[(0.5 + repeat * step, "X") for step in range(40)])]
    assert Verdict.ARM_FLATTEN in verdicts
    assert Verdict.FIRE_FLATTEN not in verdicts


@pytest.mark.parametrize("gap", [0.001, 0.06, 0.1, 0.2, 0.3, 1.0, 2.9])
def test_two_flatten_presses_execute(gap: float) -> None:
    verdicts = [verdict for verdict, _ in play((0.0, "X"), (gap, "X"))]
    assert verdicts == [Verdict.ARM_FLATTEN, Verdict.FIRE_FLATTEN]


def test_two_presses_more_than_three_seconds_apart_only_arm() -> None:
    verdicts = [verdict for verdict, _ in play((0.0, "X"), (3.1, "X"))]
    assert verdicts == [Verdict.ARM_FLATTEN, Verdict.DISARM_FLATTEN, Verdict.ARM_FLATTEN, Verdict.DISARM_FLATTEN]


def test_three_bunched_presses_arm_and_one_more_executes() -> None:
    verdicts = [verdict for verdict, _ in play((0.0, "X"), (0.001, "X"), (0.002, "X"))]
    assert verdicts == [Verdict.REARM_FLATTEN, Verdict.DISARM_FLATTEN]
    verdicts = [verdict for verdict, _ in play((0.0, "X"), (0.001, "X"), (0.002, "X"), (0.6, "X"))]
    assert verdicts == [Verdict.REARM_FLATTEN, Verdict.FIRE_FLATTEN]


def test_any_other_key_disarms() -> None:
    verdicts = [verdict for verdict, _ in play((0.0, "X"), (0.5, "j"), (1.0, "X"))]
    assert verdicts == [
        Verdict.ARM_FLATTEN, Verdict.DISARM_FLATTEN, Verdict.ARM_FLATTEN, Verdict.DISARM_FLATTEN,
    ]  # fmt: skip


def test_a_key_right_after_the_second_press_stops_it() -> None:
    verdicts = [verdict for verdict, _ in play((0.0, "X"), (0.5, "X"), (0.55, "j"))]
    assert Verdict.FIRE_FLATTEN not in verdicts
    assert (Verdict.REFUSED_TOGETHER, "X") in play((0.0, "X"), (0.5, "X"), (0.55, "j"))


def test_a_broken_sequence_locks_flatten_too() -> None:
    verdicts = [verdict for verdict, _ in play(*typed(0.0, "[?2"), (0.5, "X"), (0.8, "X"))]
    assert Verdict.FIRE_FLATTEN not in verdicts
    assert Verdict.REFUSED_LOCKED in verdicts
