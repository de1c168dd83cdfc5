"""``python -m tests.dst [--schedules N] [--seed S]`` runs schedules; ``--replay S`` prints the trace of one."""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from cockpit.domain.enums import OrderPath
from tests.dst.directed import DIRECTED
from tests.dst.mutations import LOAD_BEARING, REDUNDANT
from tests.dst.plan import Plan, draw
from tests.dst.schedule import Result, run_schedule

CHUNK = 50
LEAST_HITS = 20
MARKS_FROM = 2_000
"""From this many schedules on every coverage mark must have been reached ``LEAST_HITS`` times."""
REQUIRED_MARKS = (
    "unknown_then_adopted",
    "unknown_then_dead",
    "filled_before_answer",
    "partial_then_cancelled",
    "stop_confirmed",
    "stop_restored",
    "gap_resync",
    "lock_survived_restart",
    "memory_compared",
    "killed_with_position",
    "killed_in_flight",
    "killed_in_flatten",
    "flatten",
    "stale_read",
    "day_loss_reached",
    "quiet_restart",
    "arrived_after_ttl",
    "reply_lost",
    "push_lost",
    "partition",
    "socket_lost_in_flight",
    "close_by_detour",
    "flatten_host_changed",
    "fault:rules",
    "fault:slow_match",
)
"""What a green batch must have gone through; without them it would prove nothing."""
CORPUS = Path(__file__).with_name("corpus.jsonl")
"""One line a schedule that failed once: seed, invariant, what was learned, ``path`` if orders took the socket, and
``venue`` and ``frames`` if the faults of the exchange itself and of the market's frames were drawn."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="dst")
    parser.add_argument("--schedules", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", metavar="SEED", help="print the trace of a seed, or of a known schedule by name")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--mutations", type=int, metavar="N", help="switch each rule off for at most N schedules")
    parser.add_argument("--corpus", action="store_true", help="run the schedules that failed once")
    options = parser.parse_args()
    if options.replay is not None:
        return replay(options.replay)
    if options.mutations is not None:
        return mutation_gate(options.seed, options.mutations, options.jobs)
    if options.corpus:
        return corpus()
    return many(options.seed, options.schedules, options.jobs)


def replay(named: str) -> int:
    """Trace of one schedule: what a seed draws, or one that is run every time by its name (``known_plans``)."""
    known = known_plans()
    result = run_schedule(replace(known[named], is_traced=True) if named in known else draw(int(named), traced=True))
    print("\n".join(result.events))
    print(f"schedule {named}: {result.executions} executions, {len(result.violations)} violations")
    for violation in result.violations:
        print(f"  {violation}")
    return 1 if result.violations else 0


def corpus() -> int:
    """Every schedule that found a bug once."""
    plans = known_plans()
    failures = {name: result for name, plan in plans.items() if (result := run_schedule(plan)).violations}
    print(f"corpus      {len(plans)} schedules, {len(failures)} failed")
    for name, result in failures.items():
        print(f"  make dst-replay SEED='{name}': {result.violations[0]}")
    return 1 if failures else 0


def known_plans() -> dict[str, Plan]:
    """What is run every time: schedules by hand, by name, and those that found a bug once (``corpus 57``)."""
    found = {}
    for entry in map(json.loads, CORPUS.read_text().splitlines()):
        path = OrderPath(entry.get("path", OrderPath.REST))
        families = {"has_venue": entry.get("venue", False), "has_frames": entry.get("frames", False)}
        found[f"corpus {entry['seed']}"] = draw(entry["seed"], path=path, **families)
    return {**DIRECTED, **found}


def mutation_gate(first: int, most: int, jobs: int) -> int:
    """Switch every rule off in turn; 0 only if each is caught."""
    names = [mutation.name for mutation in (*LOAD_BEARING, *REDUNDANT)]
    with ProcessPoolExecutor(jobs) as pool:
        rows = list(pool.map(_mutate, names, [first] * len(names), [most] * len(names)))
    missed = 0
    for name, seeds, invariant, partner in rows:
        missed += not invariant
        verdict = f"caught by {invariant} after {seeds} schedules" if invariant else f"NOT CAUGHT in {seeds} schedules"
        print(f"{name:<46} {verdict}{'  (with: ' + partner + ')' if partner else ''}")
    print(f"mutations   {len(rows) - missed} of {len(rows)} caught")
    return 1 if missed else 0


def _mutate(name: str, first: int, most: int) -> tuple[str, int, str, str]:
    """Run schedules with one rule off until an expected invariant breaks."""
    mutation = next(each for each in (*LOAD_BEARING, *REDUNDANT) if each.name == name)
    with mutation.active():
        plans = [*known_plans().values(), *(draw(seed) for seed in range(first, first + most))]
        for count, plan in enumerate(plans, 1):
            for violation in run_schedule(plan).violations:
                invariant = violation.split()[0]
                if invariant in mutation.invariants:
                    return name, count, invariant, mutation.covered_by
    return name, most, "", mutation.covered_by


def _chunk(seeds: range) -> list[Result]:
    return [run_schedule(draw(seed)) for seed in seeds]


def many(first: int, count: int, jobs: int) -> int:
    started = time.perf_counter()
    marks: Counter[str] = Counter()
    failures: list[Result] = []
    done = executions = 0
    chunks = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
    with ProcessPoolExecutor(jobs, initializer=gc.freeze) as pool:  # what is imported is no garbage
        for results in pool.map(_chunk, chunks):
            for result in results:
                done += 1
                executions += result.executions
                marks.update(result.marks)
                if result.violations:
                    failures.append(result)
            if sys.stderr.isatty():
                print(f"\r{done}/{count} schedules, {len(failures)} failed", end="", file=sys.stderr)
    seconds = time.perf_counter() - started
    _print(done, executions, marks, failures, seconds, jobs)
    rare = [f"{name} {marks[name]}" for name in REQUIRED_MARKS if marks[name] < LEAST_HITS]
    if rare and count >= MARKS_FROM:
        print("not reached  " + ", ".join(rare) + f" (at least {LEAST_HITS} each)")
        return 1
    return 1 if failures else 0


def _print(done: int, executions: int, marks: Counter[str], failures: list[Result], seconds: float, jobs: int) -> None:
    print(f"commit      {_commit()}")
    print(f"schedules   {done} in {seconds:.1f} s = {done / seconds * 60:,.0f}/min on {jobs} cores")
    print(f"executions  {executions}")
    print("marks       " + ", ".join(f"{name} {marks[name]}" for name in sorted(marks)))
    print(f"violations  {sum(len(r.violations) for r in failures)} in {len(failures)} schedules")
    for result in failures[:20]:
        print(f"  make dst-replay SEED={result.seed}: {result.violations[0]}")


def _commit() -> str:
    answer: Any = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
