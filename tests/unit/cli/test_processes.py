from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from cockpit.cli.clock import CLOCK
from cockpit.cli.processes import end, is_cockpit, is_locked, lock, read_run_file, wait_for, write_run_file


class Content(msgspec.Struct):
    pid: int


class Other(msgspec.Struct):
    name: str


def test_run_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_run_file(path, Content(1))
    write_run_file(path, Content(2))
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_run_file(path, Content) == Content(2)
    assert list(tmp_path.iterdir()) == [path]


def test_run_file_of_another_form_counts_as_none(tmp_path: Path) -> None:
    write_run_file(tmp_path / "x.json", Content(1))
    assert read_run_file(tmp_path / "x.json", Other) is None
    assert read_run_file(tmp_path / "y.json", Content) is None


def test_lock_is_held_by_one_and_free_again_when_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    assert not is_locked(path)
    handle = lock(path)
    assert handle is not None
    assert path.read_text() == str(os.getpid())
    assert is_locked(path)
    assert lock(path) is None
    os.close(handle)
    assert not is_locked(path)


COCKPIT_LIKE = "import signal, sys, time; {} print('ready', flush=True); time.sleep(60)"


def start(prepare: str) -> subprocess.Popen[str]:
    """A process whose command line says cockpit."""
    script = COCKPIT_LIKE.format(prepare)
    process = subprocess.Popen([sys.executable, "-c", script, "cockpit", "simex"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_number_alone_does_not_make_a_cockpit() -> None:
    with start("") as process:
        assert is_cockpit(process.pid, "simex")
        assert not is_cockpit(process.pid, "--headless")
        assert not is_cockpit(os.getpid(), "simex")
        process.kill()
        assert wait_for(lambda: not is_cockpit(process.pid, "simex"), CLOCK, 5.0)


def test_process_that_ignores_the_wish_to_end_is_killed() -> None:
    with start("signal.signal(signal.SIGTERM, signal.SIG_IGN);") as process:
        assert end(process.pid, "simex", CLOCK, 0.1) is False
        assert process.wait(5) == -9
    with start("") as process:
        assert end(process.pid, "simex", CLOCK, 5.0) is True
        assert process.wait(5) == -15
