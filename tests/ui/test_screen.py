"""The screen as an operator meets it: a real Textual application on scripted views."""

from __future__ import annotations

import re

import msgspec
import pytest

from cockpit.domain import commands
from cockpit.ui import keymap
from cockpit.ui.app import CockpitApp
from cockpit.ui.config import UiConfig
from cockpit.ui.safe import cells
from cockpit.views.frames import Role
from cockpit.views.model import (
    ClosedRow,
    FlattenRow,
    FlattenView,
    GateView,
    LogLine,
    LogView,
    PositionsView,
    SignalsView,
    TapeRow,
    WallsView,
)
from tests.support.scripted_link import ScriptedClient
from tests.support.scripted_scene import Scene

SIZES = [(200, 60), (120, 40), (80, 24), (60, 16), (40, 8), (20, 2)]
FAST = UiConfig(quiet_ms=20, bell=False, fps=30)
UTF8 = {"LANG": "C.UTF-8"}


class Rig:
    """An application, its client and its scene."""

    def __init__(
        self, *, symbols: int = 4, observer: bool = False, config: UiConfig = FAST, variables=UTF8, folder=""
    ) -> None:
        self.scene = Scene(symbols)
        self.client = ScriptedClient(list(self.scene.markets))
        keys = keymap.build({}, is_observer=observer)
        self.app = CockpitApp(self.client, config, keys, environment=variables, folder=folder)

    async def show(self, pilot, *views) -> None:
        self.client.push(*(views or self.scene.views(self.client.watched)))
        await self.drawn(pilot)

    async def drawn(self, pilot) -> None:
        """Two whole frames from now."""
        wanted = self.app.frames_drawn + 2
        for _ in range(100):
            await pilot.pause(0.01)
            if self.app.frames_drawn >= wanted:
                break
        self.app.draw_frame()

    async def until(self, pilot, condition) -> None:
        for _ in range(200):
            if condition():
                return
            await pilot.pause(0.01)
        raise AssertionError("it did not happen")

    @property
    def rows(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("glyphs", ["blocks", "ascii"])
async def test_every_row_fills_the_terminal_exactly_and_names_the_environment(size, glyphs) -> None:
    rig = Rig(config=msgspec_copy(FAST, glyphs=glyphs))
    async with rig.app.run_test(size=size) as pilot:
        await rig.show(pilot)
        await rig.show(pilot)
        assert len(rig.rows) == size[1]
        assert {cells(row) for row in rig.rows} == {size[0]}
        assert "SIM" in rig.rows[0]
        if size[0] >= 40:
            assert "synthetic" in rig.rows[0]
        if glyphs == "ascii":
            assert rig.text.isascii()


@pytest.mark.parametrize("size", [(200, 60), (120, 40), (80, 24), (40, 8)], ids=str)
async def test_the_account_s_last_digits_stand_beside_the_environment_at_every_size(size) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        header = msgspec.structs.replace(rig.scene.header(), environment="LIVE", account="4711")
        await rig.show(pilot, *rig.scene.views(rig.client.watched), header)
        assert rig.rows[0].startswith(" LIVE *4711 ")
        assert {cells(row) for row in rig.rows} == {size[0]}
        if size[0] >= 80:
            assert all(word in rig.rows[0] for word in ("BTCUSDT", "ENABLED", "MANUAL"))


def msgspec_copy(config: UiConfig, **changes: object) -> UiConfig:
    return config.model_copy(update=changes)


@pytest.mark.parametrize(("size", "heads"), [((80, 24), ["tape", "eat", "mark"]), ((120, 40), ["own", "cum", "p/s"])])
async def test_the_ladder_is_one_sided_below_120_columns_and_two_sided_from_there(size, heads) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await rig.show(pilot)
        assert all(head in rig.rows[1] for head in heads)


async def test_the_two_sided_ladder_marks_best_ask_and_best_bid_around_the_line() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot)
        ladder = [row[:67] for row in rig.rows]
        line = next(index for index, row in enumerate(ladder) if "mid" in row)
        assert re.search(r"\d{3}A", ladder[line - 1])
        assert re.search(r"\d{3}B", ladder[line + 1])


async def test_a_wide_terminal_watches_four_symbols() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(200, 60)) as pilot:
        await rig.show(pilot)
        assert rig.client.watched == ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")
        await rig.show(pilot)
        assert all(f" {symbol} " in rig.rows[1] for symbol in ("ETHUSDT", "SOLUSDT", "DOGEUSDT"))
        assert "[BTCUSDT]" in rig.rows[1]


async def test_a_signal_shows_its_gates_its_ticket_and_its_countdown() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        for words in ("SIGNALS 3", "✓6/8", "wall size", ">= 5.0x", "BUY 0.040", "SL 67 ", "1R 25.00", "26s"):
            assert words in rig.text


async def test_a_command_leaves_before_the_frame_that_shows_it_is_built() -> None:
    rig = Rig(config=msgspec_copy(FAST, fps=1, confirm="fast"))
    async with rig.app.run_test(size=(200, 60)) as pilot:
        await rig.show(pilot)
        poll, released, sent = rig.app.session.poll, [], []

        def noted(now: float) -> bool:
            has_acted = poll(now)
            if has_acted:
                released.append(rig.app.frames_drawn)
            return has_acted

        def answer(_command: commands.Command) -> tuple[bool, str]:
            sent.append(rig.app.frames_drawn)
            return True, ""

        rig.app.session.poll, rig.client.answer = noted, answer
        await pilot.press("a")
        await rig.until(pilot, lambda: rig.client.commands)
        assert sent == released
        await rig.until(pilot, lambda: rig.app.frames_drawn > sent[0])


async def test_the_position_panel_shows_profit_in_r_ticks_and_money_and_the_acknowledged_stop() -> None:
    rig = Rig()
    for _ in range(10):
        rig.scene.step()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        row = rig.scene.positions_view().rows[0]
        for words in ("ETH SHORT 0.500", row.pnl_r, row.pnl_ticks, row.pnl_money, "ack 88ms", "@3 5"):
            assert words in rig.text


async def test_a_stop_that_is_not_at_the_exchange_says_so() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        row = msgspec.structs.replace(rig.scene.positions_view().rows[0], stop_state="missing")
        await rig.show(pilot, type(rig.scene.positions_view())([row]))
        assert "MISSING" in rig.text
        assert ":protect" not in rig.text
        await rig.show(pilot, type(rig.scene.positions_view())([msgspec.structs.replace(row, is_foreign=True)]))
        assert "MISSING :protect" in rig.text, "what gives a foreign position its stop"


async def test_lines_of_the_log_name_their_symbol_once_and_a_flat_panel_tells_the_last_trade() -> None:
    rig = Rig()
    closed = ClosedRow(
        number=1, symbol="BTCUSDT", is_long=True, qty="0.023", reason="time stop", money="+3.10", r="+0.31R"
    )
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        lines = [LogLine(2, "12:00:01", "info", "ADAUSDT", "wall B 0.4469 pulled 96 % (no trades)")]
        lines.append(LogLine(1, "12:00:00", "info", "BTCUSDT", "BTCUSDT trades again"))
        await rig.show(pilot, LogView(lines), PositionsView([], [closed]))
        assert "12:00:01 ADA wall B 0.4469 pulled 96 %" in rig.rows[21]
        assert re.search(r"BTC L time stop +\+3.10 \+0.31R", rig.text)
        for _ in range(4):
            await pilot.press("tab")
        await rig.drawn(pilot)
        assert "12:00:01 ADA wall" in rig.text
        shown = " ".join(row[48:].strip() for row in rig.rows[:20])
        assert "ADA wall B 0.4469 pulled 96 % (no trades)" in shown, "a long line goes on below itself"
        assert "12:00:00 BTCUSDT trades" in rig.text


async def test_keys_reach_the_engine_as_commands() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot)
        await pilot.pause(0.45)
        await pilot.press("a")
        await rig.until(pilot, lambda: rig.client.commands)
        assert rig.client.commands == [commands.ApproveSignal("s1", "h1")]


async def test_a_refusal_of_the_engine_stands_on_the_alert_line() -> None:
    rig = Rig()
    rig.client.answer = lambda _command: (False, "spread 4.1 bp over 3 bp")
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot)
        await pilot.press("b")
        await rig.until(pilot, lambda: rig.client.commands)
        await rig.drawn(pilot)
        assert "spread 4.1 bp over 3 bp" in rig.rows[38]


async def test_flatten_shows_the_armed_bar_and_each_acknowledgement() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        await pilot.press("X")
        await rig.until(pilot, lambda: rig.client.commands == [commands.ArmFlatten()])
        await rig.drawn(pilot)
        assert "FLATTEN ALL armed: entries OFF, positions to close: 1" in rig.rows[22]
        assert "X again" in rig.rows[22]
        await pilot.press("X")
        await rig.until(pilot, lambda: rig.client.commands[-1] == commands.FlattenAll())
        rows = [FlattenRow("ETHUSDT", "acked", "attempt 1", 88), FlattenRow("SOLUSDT", "failed", "10001", None)]
        await rig.show(pilot, FlattenView(state="running", rows=rows))
        assert "RUNNING" in rig.text
        assert "88ms" in rig.text
        assert "failed" in rig.text


async def test_a_stale_book_is_curtained_with_its_age() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        book = msgspec.structs.replace(rig.scene.book("BTCUSDT"), state="STALE", age_ms=4_200)
        await rig.show(pilot, book)
        assert "STALE 4." in rig.text


async def test_a_silent_engine_is_curtained_although_its_last_word_was_good() -> None:
    rig = Rig(config=UiConfig(bell=False, fps=1))
    clock = [100.0]
    rig.app._now = lambda: clock[0]
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        await rig.show(pilot)
        assert "NO NEWS" not in rig.text
        clock[0] += 3.0
        rig.app.draw_frame()
        await pilot.pause(0.05)
        assert "NO NEWS FROM THE ENGINE 3s" in rig.rows[0]
        assert "NO NEWS FROM THE ENGINE 3 s" in rig.text


async def test_nothing_is_redrawn_when_nothing_changes() -> None:
    rig = Rig(config=UiConfig(bell=False, fps=1))
    clock = [100.0]
    rig.app._now = lambda: clock[0]
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.05)
        rig.client.push(*rig.scene.views(rig.client.watched))
        await pilot.pause(0.05)
        rig.app.draw_frame()
        await pilot.pause(0.05)
        rig.app.draw_frame()
        before = rig.app.rows_drawn
        for _ in range(5):
            rig.app.draw_frame()
        assert rig.app.rows_drawn == before


async def test_one_changed_level_redraws_few_rows() -> None:
    rig = Rig(config=UiConfig(bell=False, fps=1))
    rig.app._now = lambda: 100.0
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        rig.client.push(*rig.scene.views(rig.client.watched))
        await pilot.pause(0.05)
        rig.app.draw_frame()
        await pilot.pause(0.05)
        rig.app.draw_frame()
        book = rig.scene.book("BTCUSDT")
        bids = [(ticks, size + 40 if index == 3 else size) for index, (ticks, size) in enumerate(book.bids)]
        before = rig.app.rows_drawn
        rig.client.push(msgspec.structs.replace(book, bids=bids))
        await pilot.pause(0.05)
        rig.app.draw_frame()
        assert rig.app.rows_drawn - before == 1


async def test_resizing_while_armed_keeps_the_armed_bar() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot)
        await pilot.press("x")
        await rig.until(pilot, lambda: rig.app.session.state.armed is not None)
        for size in [(80, 24), (20, 2), (1, 1), (60, 16), (200, 60), (80, 24)]:
            await pilot.resize_terminal(*size)
            await rig.drawn(pilot)
        assert "close 100% of SHORT 0.500 ETHUSDT [SIM]" in rig.rows[22]


class Swallowed:
    """Timers of one shot that never come, as Textual's do when their span is over before they are first looked at."""

    def __init__(self, app: CockpitApp) -> None:
        self._set_timer = app.set_timer

    def __call__(self, delay, callback=None, **others):
        return self._set_timer(delay, callback, **others, pause=True)


async def test_f099_a_new_size_is_drawn_although_the_timer_that_would_tell_it_is_lost() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot)
        rig.app.set_timer = Swallowed(rig.app)
        for columns, rows in [(1, 1), (120, 40), (80, 24)]:
            await pilot.resize_terminal(columns, rows)
            await rig.until(pilot, lambda wanted=(columns, rows): (cells(rig.rows[0]), len(rig.rows)) == wanted)
        assert "FLATTEN" in rig.text


async def test_a_key_is_judged_although_the_timer_that_would_do_it_is_lost() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot)
        rig.app.set_timer = Swallowed(rig.app)
        await pilot.press("x")
        await rig.until(pilot, lambda: rig.app.session.state.armed is not None)


async def test_hostile_words_of_the_engine_are_made_harmless() -> None:
    rig = Rig()
    hostile = "\x1b]52;c;aGk=\x07 \x9b2J \u202e [/] [link=x] " + "e" + "\u0301" * 30
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot)
        await rig.show(pilot, LogView([LogLine(1, "12:00:00", "error", hostile, hostile)]))
        await rig.show(pilot, msgspec.structs.replace(rig.scene.header(), source=hostile, blocks=[hostile]))
        card = msgspec.structs.replace(rig.scene.signals[0], headline=hostile, code=hostile, note=hostile)
        await rig.show(pilot, type(rig.scene.signals_view())(rows=[card]))
        assert {cells(row) for row in rig.rows} == {120}
        assert rig.text.replace("\n", "").isprintable()


async def test_a_vanished_engine_is_said_and_the_screen_ends() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        rig.client.end("journal failed")
        await rig.drawn(pilot)
        assert "ENGINE GONE" in rig.text
        assert "journal failed" in rig.text
        assert "cockpit flatten" in rig.text
        await pilot.press("q")
    assert rig.app.return_value.kind == "engine_gone"
    assert rig.app.return_value.by_operator


@pytest.mark.parametrize("size", SIZES[:5], ids=str)
async def test_a_dead_engine_keeps_its_curtain_while_a_position_is_open_and_names_it(size) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await rig.show(pilot)
        rig.client.end()
        await rig.drawn(pilot)
        row = rig.scene.positions_view().rows[0]
        assert f"SHORT 0.500 ETHUSDT @{row.entry}"[:30] in rig.text
        assert "cockpit flatten" in rig.text
        if size[0] >= 60:
            assert "acknowledged" in rig.text
            assert "q leaves this screen" in rig.text
        assert rig.app.session.state.gone_until is None
        await pilot.press("q")
    left = rig.app.return_value.positions
    assert left == (f"  SHORT 0.500 ETHUSDT @{row.entry}  SL {row.stop} sent, NOT acknowledged",)


async def test_a_dead_engine_without_positions_says_when_the_screen_leaves_by_itself() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        await rig.show(pilot, type(rig.scene.positions_view())([]))
        rig.client.end()
        await rig.drawn(pilot)
        assert "No position was open" in rig.text
        assert re.search(r"leaves by itself in \d s; q leaves now", rig.text)
        await pilot.press("q")
    assert rig.app.return_value.positions == ()


async def test_a_vanished_engine_is_found_again_in_the_folder_it_had() -> None:
    rig = Rig(folder=" --data-dir /srv/paper")
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        rig.client.end("journal failed")
        await rig.drawn(pilot)
        assert "cockpit flatten --data-dir /srv/paper" in rig.text
        assert "cockpit run --data-dir /srv/paper" in rig.text
        await pilot.press("q")


async def test_a_long_folder_is_folded_and_never_cut_off() -> None:
    folder = "/srv/" + "long/" * 20 + "end"
    rig = Rig(folder=f" --data-dir {folder}")
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        rig.client.end("journal failed")
        await rig.drawn(pilot)
        rows = [row.split("│")[-2].strip() for row in rig.rows if row.count("│") >= 2]
        assert "".join(rows).count(folder) == 2
        await pilot.press("q")


@pytest.mark.parametrize("size", [(60, 15), (120, 12), (60, 16), (40, 8)], ids=str)
async def test_a_terminal_too_small_for_a_ladder_says_so_and_keeps_positions_and_flatten(size) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await rig.show(pilot)
        assert f"{size[0]}x{size[1]}" in rig.text
        assert "80x24" in rig.text
        assert "SHORT 0.500" in rig.text
        assert "X X FLATTEN" in rig.rows[-1]
        await pilot.press("?")
        await rig.drawn(pilot)
        assert "any key closes" in rig.text
        assert [rig.text.count(corner) for corner in "┌┐└┘"] == [1, 1, 1, 1]
        assert {cells(row) for row in rig.rows} == {size[0]}


async def test_help_is_whole_at_80x24() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        await pilot.press("?")
        await rig.drawn(pilot)
        box = rig.text.split("KEYS")[1].split("└")[0]
        assert "any key closes " in box
        assert "~" not in box
        assert "? young" in box


async def test_a_screen_that_is_not_in_control_offers_flatten_alone() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot)
        rig.client.role(Role(False, "ann@host", 2))
        await rig.drawn(pilot)
        assert "X X FLATTEN" in rig.rows[39]
        assert not re.search(r" (ok|no|close|half|BE|cancel|pause) ", rig.rows[39])
        assert "a ok d no" not in rig.text
        await pilot.press("q")
        await rig.drawn(pilot)
        assert "leave the screen" in rig.text
        assert "stop the engine" not in rig.text


async def test_the_wall_map_counts_walls_that_do_not_fit_and_cuts_none() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        rows = rig.scene.walls_view().rows
        near = [msgspec.structs.replace(row, distance_percent=0.03, is_bid=True, code="C") for row in rows[:8]]
        await rig.show(pilot, WallsView(near))
        await pilot.press("w")
        await rig.drawn(pilot)
        row = next(row[48:].strip() for row in rig.rows if "-0.02%" in row and "<" not in row)
        assert re.fullmatch(r"-0.02%( \w+ [\d.]+M \d+%C(o)? )+ ?\+\d", row)


async def test_the_wall_map_has_one_name_for_each_row() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(200, 60)) as pilot:
        await rig.show(pilot)
        assert "<+0.02%" in rig.text
        assert "<-0.02%" in rig.text
        assert "0.00%" not in rig.text.split("WALL MAP")[1]


async def test_an_observer_sees_no_money_keys() -> None:
    rig = Rig(observer=True)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        assert "OBSERVER" in rig.rows[0]
        assert "FLATTEN" not in rig.text
        await pilot.press("X")
        await pilot.pause(0.3)
        await pilot.press("X")
        await pilot.pause(0.3)
        assert rig.client.commands == []


@pytest.mark.parametrize(("variables", "name"), [({"NO_COLOR": "1"}, "mono"), ({"TERM": "dumb"}, "mono"), ({}, "dark")])
async def test_f100_terminals_without_colour_get_the_theme_without_colour(variables, name) -> None:
    rig = Rig(variables=variables)
    assert rig.app._theme.name == name


async def test_pages_of_the_narrow_panel() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        for words in ("WALLS", "ORDERS", "TAPE", "LOG", "SIGNALS"):
            await pilot.press("tab")
            await rig.drawn(pilot)
            assert words in rig.text


CLOSED_GATE = GateView("commit wait", "812 ms", "<= 50 ms", "fail", 1_200)


@pytest.mark.parametrize("size", SIZES[:4], ids=str)
async def test_one_key_shows_every_gate_with_value_threshold_and_age(size) -> None:
    rig = Rig()
    rig.scene.closed_gates.append(CLOSED_GATE)
    async with rig.app.run_test(size=size) as pilot:
        await rig.show(pilot)
        await pilot.press("i")
        await rig.drawn(pilot)
        assert "ENTRY GATES" in rig.text
        closed = next(row for row in rig.rows if "✗ commit wait" in row)
        assert "812 ms" in closed
        assert "<= 50 ms" in closed
        assert "1s" in closed
        if size[1] >= 24:
            assert "✓ rules age" in rig.text
            assert "12m" in rig.text
        assert {cells(row) for row in rig.rows} == {size[0]}
        await pilot.press("i")
        await rig.drawn(pilot)
        assert "ENTRY GATES" not in rig.text


async def test_the_operator_sees_why_entries_are_off_without_any_key() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await rig.show(pilot)
        reason = "reconciled never (needs <= 30 s)"
        await rig.show(pilot, msgspec.structs.replace(rig.scene.header(), entries="CLOSED", closed=reason))
        assert "entries CLOSED" in rig.rows[0]
        assert f"entries CLOSED: {reason}" in rig.rows[22]
        halted = msgspec.structs.replace(rig.scene.header(), entries="HALTED", blocks=["key refused: expired"])
        await rig.show(pilot, halted)
        assert "entries HALTED" in rig.rows[0]
        assert "entries HALTED: key refused: expired" in rig.rows[22]


async def test_gates_say_what_is_needed_once_and_in_the_words_of_header_and_ladder() -> None:
    rig = Rig()
    paused = GateView("state", "LOCKED: paused by the operator", "READY", "fail")
    missing = GateView("missing stops", "BTCUSDT", "none", "fail")
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot)
        await rig.show(pilot, msgspec.structs.replace(rig.scene.header(), entries="PAUSED", blocks=["paused"]))
        risk = rig.scene.risk()
        await rig.show(pilot, msgspec.structs.replace(risk, gates=[paused, missing, *risk.gates[1:]]))
        await pilot.press("i")
        await rig.drawn(pilot)
        assert "✗ state paused by the operator" in rig.text
        assert "LOCKED" not in rig.text
        assert re.search(r"missing stops +BTCUSDT needs none", rig.text)
        assert re.search(r"✓ book sequence +valid +0s", rig.text)
        assert not re.search(r"Trading +Trading", rig.text)


async def test_an_exit_rule_has_a_mark_of_its_own_only_when_it_is_reached() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot)
        rules = [GateView("time-stop", "1 s", ">= 300 s", "ok"), GateView("counter flow", "4.0 x", ">= 3 x", "fail")]
        row = msgspec.structs.replace(rig.scene.positions_view().rows[0], exits=rules, pnl_r="-0.38R")
        await rig.show(pilot, PositionsView([row]))
        assert re.search(r"· time-stop +1 s >= 300 s", rig.text)
        assert re.search(r"! counter flow +4.0 x >= 3 x", rig.text)
        assert "net -0.38R" in rig.text


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)], ids=str)
async def test_no_price_and_no_reason_of_a_ticket_is_cut(size) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await rig.show(pilot)
        card = rig.scene.signals[0]
        ticket = msgspec.structs.replace(card.ticket, side="Sell", qty="0.0235", entry="64993.0", stop="65 127.8")
        await rig.show(pilot, SignalsView(rows=[msgspec.structs.replace(card, ticket=ticket)]))
        assert "SELL 0.0235 @64 993.0" in rig.text
        assert "SL 65 127.8" in rig.text
        assert "1R 25.00" in rig.text
        refused = msgspec.structs.replace(ticket, refusal="stop 0.12347 is too close to the entry: 2 ticks, least 5")
        await rig.show(pilot, SignalsView(rows=[msgspec.structs.replace(card, ticket=refused)]))
        shown = " ".join((row if size[0] < 80 else row[-31:]).strip() for row in rig.rows)
        assert "NO ORDER stop 0.12347 is too close to the entry: 2 ticks, least 5" in shown


async def test_the_narrow_tape_drops_minutes_before_it_cuts_a_price() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot)
        rows = [TapeRow("45:45", "0.4469", "3.59k", False, False), TapeRow("45:44", "64993.0", "0.017", True, False)]
        await rig.show(pilot, msgspec.structs.replace(rig.scene.flow("BTCUSDT"), tape=rows))
        assert re.search(r" :45 0.4469 +3.59kS", rig.text)
        assert re.search(r" 45:44 993.0 +0.017B", rig.text)


async def test_gates_before_the_engine_has_told_any_are_no_data_not_open() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await rig.show(pilot, rig.scene.header())
        await pilot.press("i")
        await rig.drawn(pilot)
        assert rig.text.count("no data") >= 2
        assert "✓" not in rig.text.split("ENTRY GATES")[1]
