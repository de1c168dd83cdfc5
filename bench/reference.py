"""What the machine itself costs: a bare process that needs 5 ms of CPU five times a second, run beside a bench.

How long it has to wait for them every other process of the machine waits too; a latency near this figure is the
machine's, not the program's. As a program: measures until stdin ends, then prints p50 and p99 in milliseconds.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time

from bench.machine import ROOT
from bench.table import Row

WORK_MS = 5
PAUSE_S = 0.2


class Reference:
    """Use it as a context; ``row`` afterwards."""

    def __enter__(self) -> Reference:
        command = [sys.executable, "-m", "bench.reference"]
        self._child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_raised: object) -> None:
        said, _ = self._child.communicate()
        self._took = json.loads(said)

    @property
    def row(self) -> Row:
        """Wall time of the work, p99."""
        metric = f"for comparison: {WORK_MS} ms of CPU work of a bare process take, p99"
        return Row(metric, self._took["p99"], "ms", why=f"p50 {self._took['p50']:.1f} ms, while the bench ran")


def main() -> None:
    """Work, sleep and measure."""
    took: list[float] = []
    while not select.select([sys.stdin], [], [], PAUSE_S)[0]:
        wall, cpu = time.monotonic_ns(), time.process_time_ns()
        while time.process_time_ns() - cpu < WORK_MS * 1_000_000:
            pass
        took.append((time.monotonic_ns() - wall) / 1e6)
    took.sort()
    print(json.dumps({name: took[int(share * len(took))] for name, share in (("p50", 0.5), ("p99", 0.99))}))


if __name__ == "__main__":
    main()
