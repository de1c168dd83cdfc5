"""What the operator's keys send, on what is shown."""

import msgspec
import pytest

from cockpit.domain import commands
from cockpit.domain.enums import Approval
from cockpit.ui.config import UiConfig
from cockpit.ui.gone import farewell, positions_left
from cockpit.ui.store import marked_position, selected_signal
from cockpit.views.frames import Bye, Role, ViewFrame
from cockpit.views.model import ClosedRow, FlattenRow, FlattenView, PositionsView, SignalsView
from tests.support.operator_bench import Bench


def selected(bench: Bench) -> str:
    row = selected_signal(bench.session.state, bench.session.store)
    return "" if row is None else row.signal_id


def test_approve_sends_the_signal_with_its_hash_and_what_was_seen() -> None:
    bench = Bench()
    bench.press("a")
    assert bench.commands == [commands.ApproveSignal("s1", "h1")]
    assert "wall size 9.7x >= 5.0x ok" in bench.orders[0].seen
    assert "Buy 0.040" in bench.orders[0].seen


def test_a_narrow_line_tells_why_before_what() -> None:
    bench = Bench(size=(80, 24))
    bench.press("a")
    bench.answer(accepted=False, reason="drift 0.174 % (needs <= 0.15 %)")
    assert bench.said == "REFUSED approve: drift 0.174 % (needs <= 0.15 %)"


def test_a_second_press_on_the_same_card_is_not_sent_again() -> None:
    bench = Bench()
    bench.press("a", "a")
    assert len(bench.orders) == 1
    assert "already sent" in bench.said


def test_a_refused_approval_may_be_tried_again_and_the_reason_is_shown() -> None:
    bench = Bench()
    bench.press("a")
    bench.answer(accepted=False, reason="the book is stale: 1.2 s")
    assert "the book is stale: 1.2 s" in bench.said
    bench.press("a")
    assert len(bench.orders) == 2


def test_f111_a_card_that_has_just_come_cannot_be_approved() -> None:
    bench = Bench()
    row = bench.scene.signals[0]
    bench.show(SignalsView(rows=[msgspec.structs.replace(row, signal_id="s9", content_hash="h9", remaining_ms=9_000)]))
    bench.press("a")
    assert bench.orders == []
    assert "look at it" in bench.said
    bench.wait(0.4)
    bench.press("a")
    assert bench.commands == [commands.ApproveSignal("s9", "h9")]


def test_a_card_whose_content_changed_must_be_read_again() -> None:
    bench = Bench()
    row = bench.scene.signals[0]
    bench.show(SignalsView(rows=[msgspec.structs.replace(row, content_hash="other")]))
    bench.press("a")
    assert bench.orders == []


def test_f111_a_card_that_took_the_place_of_the_selected_one_cannot_be_approved_at_once() -> None:
    bench = Bench()
    bench.show(SignalsView(rows=bench.scene.signals[1:]))
    bench.press("a")
    assert bench.orders == []


def test_the_selection_follows_the_card_and_not_its_place() -> None:
    bench = Bench()
    bench.press("j")
    wanted = selected(bench)
    bench.show(SignalsView(rows=list(reversed(bench.scene.signals))))
    assert selected(bench) == wanted


@pytest.mark.parametrize("size", [(40, 8), (30, 5)])
def test_a_card_that_has_no_place_on_screen_cannot_be_approved(size: tuple[int, int]) -> None:
    bench = Bench(size=size)
    bench.press("a")
    assert bench.orders == []


def test_a_card_on_another_page_cannot_be_approved() -> None:
    bench = Bench(size=(80, 24))
    bench.press("tab")
    bench.wait(1.0)
    bench.press("a")
    assert bench.orders == []


def test_a_card_without_a_ticket_says_why() -> None:
    bench = Bench()
    row = bench.scene.signals[0]
    ticket = msgspec.structs.replace(row.ticket, refusal="notional 4.10 under the minimum 5")
    bench.show(SignalsView(rows=[msgspec.structs.replace(row, ticket=ticket)]))
    bench.press("a")
    assert bench.orders == []
    assert "under the minimum" in bench.said


def test_an_expired_card_is_not_sent() -> None:
    bench = Bench()
    row = bench.scene.signals[0]
    bench.show(SignalsView(rows=[msgspec.structs.replace(row, remaining_ms=500)]))
    bench.wait(0.6)
    bench.press("a")
    assert bench.orders == []
    assert "time is over" in bench.said


def test_reject_and_snooze_send_the_selected_card() -> None:
    bench = Bench()
    bench.press("z", "d")
    assert bench.commands == [commands.SnoozeSignal("s1"), commands.RejectSignal("s1")]


def test_close_asks_for_go_and_says_what_it_does() -> None:
    bench = Bench()
    bench.press("x")
    assert bench.orders == []
    assert bench.session.state.armed.words == "close 100% of SHORT 0.500 ETHUSDT [SIM]"
    bench.press("g")
    assert bench.commands == [commands.ClosePosition("ETHUSDT", 100)]


def test_half_asks_at_normal_and_not_at_fast() -> None:
    bench = Bench()
    bench.press("h")
    assert bench.orders == []
    bench.press("g")
    assert bench.commands == [commands.ClosePosition("ETHUSDT", 50)]
    fast = Bench(config=UiConfig(confirm="fast"))
    fast.press("h")
    assert fast.commands == [commands.ClosePosition("ETHUSDT", 50)]


def test_strict_asks_for_go_on_approval_and_not_too_soon() -> None:
    bench = Bench(config=UiConfig(confirm="strict"))
    bench.press("a")
    bench.press("g", gap=0.1)
    assert bench.orders == []
    bench.wait(0.5)
    bench.press("g")
    assert bench.commands == [commands.ApproveSignal("s1", "h1")]


def test_go_does_nothing_unless_something_is_armed() -> None:
    bench = Bench()
    bench.press("g")
    assert bench.orders == []
    assert bench.said == "nothing is armed"


@pytest.mark.parametrize("other", ["escape", "J", "d"])
def test_another_key_disarms(other: str) -> None:
    bench = Bench()
    bench.press("x", other)
    bench.wait(0.5)
    sent = len(bench.orders)
    bench.press("g")
    assert len(bench.orders) == sent


def test_an_armed_action_ends_after_five_seconds() -> None:
    bench = Bench()
    bench.press("x")
    bench.wait(5.0)
    bench.press("g")
    assert bench.orders == []


def test_the_armed_target_does_not_change_with_the_cursor() -> None:
    bench = Bench()
    bench.press("x")
    bench.scene.open("BTCUSDT", long=True, qty=0.04)
    bench.show(PositionsView(list(reversed(bench.scene.positions_view().rows))))
    bench.press("g")
    assert bench.commands == [commands.ClosePosition("ETHUSDT", 100)]


def test_the_marked_position_is_the_chosen_one_then_the_shown_symbols() -> None:
    bench = Bench()
    bench.scene.open("BTCUSDT", long=True, qty=0.04)
    bench.show(bench.scene.positions_view())
    assert marked_position(bench.session.state, bench.session.store).symbol == "BTCUSDT"
    bench.press("j", "j", "j")
    assert marked_position(bench.session.state, bench.session.store).symbol == "ETHUSDT"


def test_breakeven_cancel_and_pause_are_sent_at_once() -> None:
    bench = Bench()
    bench.press("b", "e", "p")
    assert bench.commands == [
        commands.MoveStopToBreakeven("ETHUSDT"), commands.CancelEntryOrders("BTCUSDT"), commands.PauseEntries(),
    ]  # fmt: skip


def test_resume_asks_for_go() -> None:
    bench = Bench()
    bench.scene.entries = "PAUSED"
    bench.show(bench.scene.header())
    bench.press("p")
    assert bench.orders == []
    bench.press("g")
    assert bench.commands == [commands.ResumeEntries()]


def test_flatten_arms_and_then_sends() -> None:
    bench = Bench()
    bench.press("X")
    assert bench.commands == [commands.ArmFlatten()]
    assert bench.session.flatten_until is not None
    bench.press("X")
    assert bench.commands == [commands.ArmFlatten(), commands.FlattenAll()]
    assert "ETHUSDT" in bench.orders[-1].seen


def test_flatten_is_not_sent_again_while_it_runs() -> None:
    bench = Bench()
    bench.press("X", "X")
    sent = len(bench.orders)
    bench.press("X", "X")
    running = [order for order in bench.orders[sent:] if order.command == commands.FlattenAll()]
    assert running == []
    bench.show(FlattenView(state="running", rows=[FlattenRow("ETHUSDT", "closing", "", None)]))
    sent = len(bench.orders)
    bench.press("X", "X")
    assert len(bench.orders) == sent
    assert "not sent again" in bench.said


def test_flatten_may_be_sent_again_when_the_engine_refused_it() -> None:
    bench = Bench()
    bench.press("X", "X")
    bench.answer(accepted=False, reason="not the controller")
    bench.press("X", "X")
    assert bench.commands.count(commands.FlattenAll()) == 2


def test_another_key_between_the_presses_disarms_and_does_not_act() -> None:
    bench = Bench()
    bench.press("X", "j", "X")
    assert bench.commands == [commands.ArmFlatten(), commands.ArmFlatten()]


def test_flatten_works_on_a_terminal_too_small_for_panes() -> None:
    bench = Bench(size=(20, 2))
    bench.press("X", "X")
    assert bench.commands == [commands.ArmFlatten(), commands.FlattenAll()]


def test_flatten_works_while_a_dialog_is_open() -> None:
    bench = Bench()
    bench.press("?")
    bench.wait(1.1)
    bench.press("X", "X")
    assert commands.FlattenAll() in bench.commands


def test_q_opens_the_dialog_and_q_again_detaches() -> None:
    bench = Bench()
    bench.press("q")
    assert bench.session.state.overlay == "leave"
    assert bench.ends == []
    bench.press("q")
    assert [end.kind for end in bench.ends] == ["detached"]
    assert bench.orders == []


def test_any_other_key_stays() -> None:
    bench = Bench()
    bench.press("q", "a")
    assert bench.session.state.overlay == ""
    assert bench.orders == []


@pytest.mark.parametrize(
    ("key", "command", "kind"),
    [
        ("l", commands.Shutdown(leave_protected=True), "quit_leave_protected"),
        ("f", commands.Shutdown(flatten=True), "quit_flatten"),
    ],
)
def test_quitting_the_engine_asks_for_go_and_ends_with_the_engine(key, command, kind) -> None:
    bench = Bench()
    bench.press("q", key)
    assert bench.orders == []
    bench.press("g")
    assert bench.commands == [command]
    bench.answer(accepted=True)
    bench.session.engine_ended("stopped by the operator", bench.now)
    assert [end.kind for end in bench.ends] == [kind]


def test_a_refused_quit_leaves_the_screen_open() -> None:
    bench = Bench()
    bench.press("q", "l", "g")
    bench.answer(accepted=False, reason="an order is in flight")
    assert "an order is in flight" in bench.said
    bench.session.engine_ended("", bench.now)
    assert bench.ends == []
    assert bench.session.state.overlay == "gone"


def test_the_curtain_of_a_vanished_engine_names_the_reason_and_q_leaves() -> None:
    bench = Bench()
    bench.session.engine_ended("journal failed", bench.now)
    assert bench.session.state.gone == "journal failed"
    bench.press("q")
    assert [(end.kind, end.detail, end.by_operator) for end in bench.ends] == [("engine_gone", "journal failed", True)]


def test_the_curtain_of_a_dead_engine_waits_for_the_operator_while_a_position_is_open() -> None:
    bench = Bench()
    bench.session.engine_ended("", bench.now)
    assert bench.session.state.gone_until is None
    bench.press("a", "X", "X", "?")
    assert bench.ends == []
    assert bench.orders == []
    assert bench.session.state.overlay == "gone"
    assert "cockpit flatten" in bench.said
    bench.press("q")
    assert "ETHUSDT" in bench.ends[0].positions[0]


@pytest.mark.parametrize("word", [None, "the engine failed: disk"])
def test_the_curtain_ends_by_itself_when_nothing_is_open_or_the_engine_said_good_bye(word: str | None) -> None:
    bench = Bench()
    if word is None:
        bench.show(PositionsView([]))
    else:
        bench.session.heard(Bye(word), bench.now)
    bench.session.engine_ended(word or "", bench.now)
    assert bench.session.state.gone_until > bench.now
    bench.session.leave_gone()
    assert not bench.ends[0].by_operator
    assert bool(bench.ends[0].positions) is (word is not None)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("ack", "SL 3520.10 acknowledged"),
        ("sent", "SL 3520.10 sent, NOT acknowledged"),
        ("moving", "SL asked to move to 3520.10, NOT acknowledged"),
        ("missing", "NO STOP acknowledged"),
    ],
)
def test_what_stays_in_the_shell_tells_the_stop_as_the_exchange_had_it(state: str, words: str) -> None:
    bench = Bench()
    row = bench.scene.positions_view().rows[0]
    bench.show(PositionsView([msgspec.structs.replace(row, stop="3520.10", stop_state=state)]))
    said = farewell(positions_left(bench.session.store))
    assert f"SHORT 0.500 ETHUSDT @{row.entry}  {words}" in said
    assert said.endswith("cockpit flatten")
    elsewhere = farewell(positions_left(bench.session.store), " --data-dir /srv/paper")
    assert elsewhere.endswith("cockpit flatten --data-dir /srv/paper")


def test_an_observer_has_no_money_keys() -> None:
    bench = Bench(observer=True)
    bench.press("a", "x", "g", "X", "X", "p")
    assert bench.orders == []
    assert "observer" in bench.said
    bench.press("q", "l")
    assert bench.orders == []


STOPPED = ClosedRow(
    number=1, symbol="ETHUSDT", is_long=False, qty="0.500", reason="stop loss", money="-12.30", r="-1.02R"
)


def test_a_position_that_closed_by_itself_is_told_until_the_operators_next_word() -> None:
    bench = Bench()
    bench.show(PositionsView([], [STOPPED]))
    assert bench.said == "CLOSED SHORT 0.500 ETHUSDT by stop loss: -12.30 USDT -1.02R"
    bench.wait(20.0)
    assert bench.said.startswith("CLOSED")
    bench.press("g")
    assert bench.said == "nothing is armed"
    bench.wait(10.0)
    assert bench.said == ""


def test_money_and_r_of_a_closed_trade_fit_a_narrow_line() -> None:
    bench = Bench(size=(60, 16))
    bench.show(PositionsView([], [msgspec.structs.replace(STOPPED, qty="22222.50")]))
    assert bench.said == "CLOSED ETHUSDT by stop loss: -12.30 -1.02R"


def test_trades_that_ended_before_the_screen_came_are_not_told_as_news() -> None:
    bench = Bench([PositionsView([], [STOPPED])])
    assert bench.said == ""
    bench.show(PositionsView([], [msgspec.structs.replace(STOPPED, number=number) for number in (3, 2, 1)]))
    assert bench.said.endswith("(and 1 more)")


def test_a_trade_that_ended_waits_for_the_words_of_a_refusal() -> None:
    bench = Bench()
    bench.press("b")
    bench.answer(accepted=False, reason="not better")
    bench.show(PositionsView([], [STOPPED]))
    assert "not better" in bench.said
    bench.wait(10.1)
    assert bench.said.startswith("CLOSED")


def test_a_screen_that_lost_control_flattens_and_does_nothing_else() -> None:
    bench = Bench()
    bench.session.heard(Role(False, "ann@host pts/3", 2), bench.now)
    bench.press("a", "x", "g", "p")
    assert bench.orders == []
    assert bench.said == "ann@host pts/3 is in control: only X X acts here; q, then attach, takes it back"
    bench.press(":", *"pause", "enter")
    bench.press("q", "l", "g")
    assert bench.orders == []
    bench.press("X", "X")
    assert bench.commands == [commands.ArmFlatten(), commands.FlattenAll()]


@pytest.mark.parametrize(
    ("controller", "words"),
    [
        ("stop ann@host no terminal", "the engine is being stopped by ann@host no terminal"),
        ("flatten ann@host pts/1", "cockpit flatten by ann@host pts/1: everything is being closed"),
        ("ann@host pts/1", "another screen took control: ann@host pts/1"),
    ],
)
def test_who_took_control_is_said_by_what_he_does(controller: str, words: str) -> None:
    bench = Bench()
    bench.session.heard(Role(True, "me", 1), bench.now)
    bench.session.heard(Role(False, controller, 2), bench.now)
    assert bench.said == words
    bench.session.heard(Role(True, "me", 1), bench.now)
    assert bench.said == ("this screen is in control" if controller.startswith("ann") else words)


@pytest.mark.parametrize("size", [(120, 40), (200, 60)])
def test_tab_and_w_turn_the_pages_of_a_wide_panel_too(size) -> None:
    bench = Bench(size=size)
    bench.press("w")
    assert bench.session.plan.slot("signals") is None
    assert bench.session.plan.slot("walls") is not None
    assert "page WALLS of TRADE WALLS" in bench.said
    bench.press("tab")
    assert bench.session.plan.slot("tasks") is not None
    bench.press("w", "w")
    assert bench.session.plan.slot("signals") is not None


def test_without_pages_tab_says_so() -> None:
    bench = Bench(size=(60, 16))
    bench.press("tab")
    assert "80x24" in bench.said


def test_losing_control_is_said() -> None:
    bench = Bench()
    bench.session.heard(Role(True, "me", 1), bench.now)
    bench.session.heard(Role(False, "ann@host", 2), bench.now)
    assert "ann@host" in bench.said


def test_a_lost_engine_leaves_the_outcome_unknown_and_says_so() -> None:
    bench = Bench()
    bench.press("b")
    bench.session.lost(bench.orders[-1], bench.now)
    assert "UNKNOWN" in bench.said


def type_line(bench: Bench, text: str) -> None:
    bench.press(":")
    for character in text:
        bench.press("space" if character == " " else character, gap=0.15)
    bench.press("enter")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("manual", commands.SetApproval(Approval.MANUAL)),
        ("observe", commands.SetApproval(Approval.OBSERVE)),
        ("pause", commands.PauseEntries()),
        ("cancel", commands.CancelEntryOrders("BTCUSDT")),
    ],
)
def test_command_lines_send_their_command(line: str, command: commands.Command) -> None:
    bench = Bench()
    type_line(bench, line)
    assert bench.commands == [command]


def test_auto_needs_the_typed_word() -> None:
    bench = Bench()
    type_line(bench, "auto")
    assert bench.orders == []
    for character in "auto":
        bench.press(character)
    bench.press("enter")
    assert bench.orders == []
    type_line(bench, "auto")
    for character in "AUTO":
        bench.press(character)
    bench.press("enter")
    assert bench.commands == [commands.SetApproval(Approval.AUTO)]


def test_close_with_a_percentage_arms() -> None:
    bench = Bench()
    type_line(bench, "close 25")
    assert bench.orders == []
    bench.press("g")
    assert bench.commands == [commands.ClosePosition("ETHUSDT", 25)]


@pytest.mark.parametrize("line", ["close 0", "close x", "close 101", "nonsense"])
def test_wrong_lines_are_refused_in_words(line: str) -> None:
    bench = Bench()
    type_line(bench, line)
    assert bench.orders == []
    assert bench.said


def test_quit_opens_the_leave_dialog() -> None:
    bench = Bench()
    type_line(bench, "quit")
    assert bench.session.state.overlay == "leave"


def test_letters_typed_into_the_command_line_are_no_action_keys() -> None:
    bench = Bench()
    bench.press(":", "a", "x", "g", "X", "X")
    assert bench.orders == []
    assert bench.session.state.typed == "axgXX"
    bench.press("escape")
    assert bench.session.state.overlay == ""


def test_tab_completes_commands_and_symbols() -> None:
    bench = Bench()
    bench.press(":", "r", "tab")
    assert bench.session.state.typed == "resume"
    bench.press("escape")
    type_line(bench, "symbol sol")
    assert bench.session.state.symbol == "SOLUSDT"


def test_symbols_switch_and_their_ladder_centres_anew() -> None:
    bench = Bench()
    assert bench.session.state.symbol == "BTCUSDT"
    bench.press("J")
    assert bench.session.state.symbol == "ETHUSDT"
    bench.press("K", "K")
    assert bench.session.state.symbol == "DOGEUSDT"


def test_views_are_shown_only_when_a_frame_is_drawn() -> None:
    bench = Bench()
    before = bench.session.store.header
    bench.session.heard(
        ViewFrame("header", 2, msgspec.structs.replace(before, approval="auto")),
        bench.now,
    )
    assert bench.session.store.header.approval == "manual"
    bench.session.settle((120, 40), bench.now)
    assert bench.session.store.header.approval == "auto"
