"""``python -m tests.dst [--schedules N] [--seed S]`` runs schedules; ``--replay S`` prints the trace of one."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from tests.dst.plan import draw
from tests.dst.schedule import Result, run_schedule

CHUNK = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="dst")
    parser.add_argument("--schedules", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.replay is not None:
        return replay(options.replay)
    return many(options.seed, options.schedules, options.jobs)


def replay(seed: int) -> int:
    result = run_schedule(draw(seed, traced=True))
    print("\n".join(result.events))
    print(f"seed {seed}: {result.executions} executions, {len(result.violations)} violations")
    for violation in result.violations:
        print(f"  {violation}")
    return 1 if result.violations else 0


def _chunk(seeds: range) -> list[Result]:
    return [run_schedule(draw(seed)) for seed in seeds]


def many(first: int, count: int, jobs: int) -> int:
    started, cpu = time.perf_counter(), time.process_time()
    marks: Counter[str] = Counter()
    failures: list[Result] = []
    done = executions = 0
    chunks = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
    with ProcessPoolExecutor(jobs) as pool:
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
    del cpu
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
