"""The engine's lines and the trades that ended, as the screen is told of them."""

from decimal import Decimal

from cockpit.engine.effects import CommandAnswered, PositionClosed, Step
from cockpit.engine.story import CLOSED_KEPT, Story
from cockpit.ports.journal import TradeRow


def closed(symbol: str, r: float | None = -1.02) -> Step:
    trade = TradeRow(
        trade_id="t", symbol=symbol, kind="bounce", direction="Buy", opened_ns=0, qty=Decimal("0.023"),
        entry_price=Decimal("64993.0"), initial_stop=None, risk_usdt=Decimal(10), exit_reason="stop_loss",
        net_pnl=Decimal("-10.2"), r_multiple=r,
    )  # fmt: skip
    return Step(1, 0, [PositionClosed(trade)], [])


def test_a_trade_that_ended_is_told_with_its_reason_money_and_r() -> None:
    story = Story()
    story.add(closed("BTCUSDT"))
    [row] = story.closed
    assert (row.number, row.symbol, row.is_long, row.qty) == (1, "BTCUSDT", True, "0.023")
    assert (row.reason, row.money, row.r) == ("stop loss", "-10.20", "-1.02R")


def test_only_the_last_trades_are_kept_and_their_numbers_go_on() -> None:
    story = Story()
    for _ in range(CLOSED_KEPT + 2):
        story.add(closed("BTCUSDT", None))
    assert len(story.closed) == CLOSED_KEPT
    assert story.closed[0].number == CLOSED_KEPT + 2
    assert story.closed[0].r == ""


def test_a_refused_command_is_named_in_the_words_of_its_key() -> None:
    story = Story()
    answer = CommandAnswered(
        command_id="1", operator="ann", action="ApproveSignal", arguments={}, accepted=False, reason="drift", seen=""
    )
    story.add(Step(1, 0, [answer], []))
    assert story.lines[0].text == "approve refused: drift"
