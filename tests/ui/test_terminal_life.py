"""The process on its terminal: hang-up, end of input, a slow reader, a crash."""

from __future__ import annotations

import signal
import time

import pytest

from tests.support.pty_terminal import PtyTerminal

READY = b"SIGNALS"
UNREAD_S = 2.0


@pytest.fixture
def shown():
    terminal = PtyTerminal("tests.support.show_screen", ["1"], 80, 24)
    assert terminal.read_until(lambda: READY in terminal.output)
    yield terminal
    terminal.close()


def test_a_hang_up_ends_the_screen(shown: PtyTerminal) -> None:
    shown.hang_up()
    assert shown.process.wait(10) is not None


def test_f099_a_shell_that_exports_its_size_does_not_freeze_the_screen_at_it() -> None:
    """An ``export COLUMNS LINES`` somewhere: the variables are old after the first resize."""
    terminal = PtyTerminal("tests.support.show_screen", ["1"], 80, 24, {"COLUMNS": "80", "LINES": "24"})
    try:
        assert terminal.read_until(lambda: READY in terminal.output)
        before = len(terminal.output)
        terminal.resize(120, 40)
        assert terminal.read_until(lambda: b"\x1b[40;1H" in terminal.output[before:] and b"ORDERS" in terminal.output)
    finally:
        terminal.close()


def test_a_terminate_signal_ends_the_screen_and_gives_the_terminal_back(shown: PtyTerminal) -> None:
    shown.process.send_signal(signal.SIGTERM)
    assert shown.read_until(lambda: shown.process.poll() is not None)
    while shown.read():
        pass
    assert b"\x1b[?1049l" in shown.output
    assert b"hung_up" in shown.output


def test_ctrl_z_does_not_stop_the_process_and_ctrl_c_twice_leaves(shown: PtyTerminal) -> None:
    shown.send(b"\x1a")
    shown.read(0.3)
    assert shown.process.poll() is None
    with open(f"/proc/{shown.process.pid}/stat") as file:
        assert file.read().rsplit(")", 1)[1].split()[0] in {"S", "R"}
    shown.send(b"\x03")
    assert shown.read_until(lambda: b"LEAVE" in shown.output)
    shown.send(b"\x03")
    assert shown.read_until(lambda: shown.process.poll() is not None)
    while shown.read():
        pass
    assert b"detached" in shown.output


def test_a_terminal_that_is_not_read_gets_current_frames_later_and_not_old_ones(shown: PtyTerminal) -> None:
    """The fault is the silence of the reader; what waits for it is less than the frames of that time."""
    time.sleep(UNREAD_S)
    backlog = 0
    while data := shown.read(0.02):
        backlog += len(data)
        assert backlog < 64_000
    assert shown.process.poll() is None
    shown.send(b"?")
    assert shown.read_until(lambda: b"KEYS" in shown.output)


def test_a_crash_of_the_screen_says_one_line_and_shows_no_variables() -> None:
    terminal = PtyTerminal("tests.support.crashing_screen", [], 80, 24)
    try:
        assert terminal.read_until(lambda: terminal.process.poll() is not None)
        while terminal.read():
            pass
    finally:
        terminal.close()
    last = terminal.output.rpartition(b"\x1b[?1049l")[2]
    assert b"the screen failed (ZeroDivisionError); the engine goes on" in last
    assert b"secret-of-a-local" not in terminal.output
    assert b"Traceback" not in terminal.output
    assert b"failed ZeroDivisionError" in last
