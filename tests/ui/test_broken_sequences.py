"""What a bad link makes of escape sequences, through Textual's own parser: nothing leaves for the engine."""

import pytest

from cockpit.domain import commands
from tests.support.operator_bench import Bench, Wire

GAP = 0.35
"""Longer than the escape delay, also the one over SSH."""

BROKEN = {
    "arrow up": ("\x1b", "[A"),
    "arrow up in three": ("\x1b", "[", "A"),
    "delete": ("\x1b", "[3~"),
    "delete in four": ("\x1b", "[", "3", "~"),
    "F1": ("\x1b", "OP"),
    "mouse press": ("\x1b", "[<0;12;5M"),
    "mouse press late": ("\x1b[", "<0;12;5M"),
    "focus in": ("\x1b", "[I"),
    "answer to the question for synchronised output": ("\x1b", "[?2026;2$y"),
    "the same answer in the middle": ("\x1b[?20", "26;2$y"),
    "its last byte alone": ("\x1b[?2026;2$", "y"),
    "device attributes": ("\x1b", "[?62;1;2c"),
    "cursor position": ("\x1b[24;", "80R"),
    "kitty key report": ("\x1b", "[97;1;97u"),
    "in-band resize": ("\x1b[48;24;", "80;0;0t"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("is_armed", [False, True], ids=["nothing armed", "close armed"])
def test_a_broken_sequence_sends_nothing(name: str, is_armed: bool, monkeypatch) -> None:
    bench = Bench()
    wire = Wire(bench, monkeypatch)
    if is_armed:
        bench.press("x")
    for part in BROKEN[name]:
        wire.send(part)
        wire.wait(GAP)
    wire.wait(2.0)
    assert bench.orders == []


@pytest.mark.parametrize("sequence", ["\x1b[A", "\x1b[3~", "\x1bOP", "\x1b[I", "\x1b[?2026;2$y"])
def test_a_whole_sequence_leaves_the_keys_free(sequence: str, monkeypatch) -> None:
    bench = Bench()
    wire = Wire(bench, monkeypatch)
    wire.send(sequence)
    wire.wait(GAP)
    if bench.session.state.overlay:
        bench.press("j")
    wire.send("d")
    wire.wait(GAP)
    assert [type(command) for command in bench.commands] == [commands.RejectSignal]


def test_the_question_mark_alone_is_help_and_a_key_right_after_is_locked(monkeypatch) -> None:
    bench = Bench()
    wire = Wire(bench, monkeypatch)
    wire.send("?")
    wire.wait(0.2)
    assert bench.session.state.overlay == "help"
    wire.send("d")
    wire.wait(0.2)
    assert bench.orders == []


def test_f112_a_bracketed_paste_is_no_key(monkeypatch) -> None:
    bench = Bench()
    wire = Wire(bench, monkeypatch)
    wire.send("\x1b[200~XX a d x g\n\x1b[201~")
    wire.wait(1.0)
    assert bench.orders == []


def test_f112_an_unbracketed_paste_sends_nothing_and_says_so(monkeypatch) -> None:
    bench = Bench()
    wire = Wire(bench, monkeypatch)
    wire.send("aaXX")
    wire.wait(1.0)
    assert bench.orders == []
    assert "keys came together" in bench.said


def test_a_pasted_command_line_is_not_carried_out(monkeypatch) -> None:
    bench = Bench()
    wire = Wire(bench, monkeypatch)
    wire.send(":pause\r")
    wire.wait(1.0)
    assert bench.orders == []
    assert "Enter" in bench.said


@pytest.mark.parametrize(("sent", "kind"), [("в", commands.RejectSignal), ("з", commands.PauseEntries)])
def test_keys_act_under_the_russian_layout(sent: str, kind: type, monkeypatch) -> None:
    bench = Bench()
    wire = Wire(bench, monkeypatch)
    wire.send(sent)
    wire.wait(0.3)
    assert [type(command) for command in bench.commands] == [kind]


def test_flatten_works_under_the_russian_layout(monkeypatch) -> None:
    bench = Bench()
    wire = Wire(bench, monkeypatch)
    for _ in range(2):
        wire.send("Ч")
        wire.wait(0.3)
    assert [type(command) for command in bench.commands] == [commands.ArmFlatten, commands.FlattenAll]


def test_ctrl_c_and_ctrl_q_open_the_leave_dialog_and_ctrl_z_does_nothing(monkeypatch) -> None:
    for byte in ("\x03", "\x11"):
        bench = Bench()
        wire = Wire(bench, monkeypatch)
        wire.send("\x1a")
        assert bench.session.state.overlay == ""
        wire.send(byte)
        assert bench.session.state.overlay == "leave"
        wire.send(byte)
        assert [end.kind for end in bench.ends] == ["detached"]
        assert bench.orders == []
