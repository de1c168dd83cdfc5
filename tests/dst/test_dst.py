"""The simulation as a gate: corpus, mutation gate, a batch of schedules, and the same trace from the same seed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.dst.plan import draw
from tests.dst.schedule import run_schedule

SCHEDULES = 3_000


def dst(*arguments: str, timeout: float, hash_seed: str = "0") -> str:
    """Run the simulator in a process of its own; its output, or a failure that shows it.

    It takes what the machine has left: tests with real clocks may run beside it.
    """
    command = ["nice", "-n", "10", sys.executable, "-m", "tests.dst", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, env={**os.environ, "PYTHONHASHSEED": hash_seed}
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_schedule_that_once_failed_passes() -> None:
    assert ", 0 failed" in dst("--corpus", timeout=100)


@pytest.mark.timeout(400)
def test_every_load_bearing_rule_is_caught_when_it_is_off() -> None:
    assert "NOT CAUGHT" not in dst("--mutations", "150", timeout=390)


@pytest.mark.timeout(600)
def test_no_schedule_of_a_batch_violates_an_invariant() -> None:
    output = dst("--schedules", str(SCHEDULES), "--seed", "1", timeout=590)
    assert "violations  0" in output, output


def test_the_same_seed_gives_the_same_trace_in_any_process() -> None:
    code = (
        "from tests.dst.plan import draw\nfrom tests.dst.schedule import run_schedule\n"
        "for seed in range(40, 52): print(run_schedule(draw(seed)).trace)"
    )
    traces = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(traces) == 1
    assert traces.pop().count("\n") == 12


def test_a_schedule_does_something() -> None:
    assert sum(run_schedule(draw(seed)).executions for seed in range(10)) > 20
