"""Steps inferred from the texts of a recording."""

from decimal import Decimal

from cockpit.simex.recording_scan import RecordingContent, common_step
from tests.support.recorded import recorded


def test_step_is_the_largest_that_divides_all_numbers() -> None:
    assert common_step({"28145", "28145.5", "28146"}) == Decimal("0.5")
    assert common_step({"1.21", "1.253", "1.3"}) == Decimal("0.001")
    assert common_step({"100", "250"}) == Decimal(50)
    assert common_step({"0"}) == Decimal(1)


def test_rules_beside_the_recording_are_used() -> None:
    content = RecordingContent(recorded("bybit-linear-2026-08/frames_ob50.jsonl.gz"))
    rules = content.rules()["BTCUSDT"]
    assert rules.instrument.tick_size == Decimal("0.10")
    assert rules.entry["fundingInterval"] == 480
    assert not rules.instrument.is_inferred


def test_rules_are_inferred_when_none_lie_beside_the_recording() -> None:
    content = RecordingContent(recorded("alts-2021/frames.jsonl.gz"))
    rules = content.rules()
    assert rules["AKROUSDT"].instrument.tick_size == Decimal("0.00001")
    assert rules["SUSHIUSDT"].instrument.tick_size == Decimal("0.001")
    assert rules["SUSHIUSDT"].entry["isInferred"] is True
