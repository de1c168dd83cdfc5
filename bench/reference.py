"""How late the machine itself is: a bare process that sleeps a millisecond again and again, run beside a bench.

What it loses, every other process of the machine loses too; a latency near this figure is the machine's, not the
program's. As a program: measures until stdin ends, then prints p50 and p99 in milliseconds.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time

from bench.machine import ROOT
from bench.table import Row

SLEEP_S = 0.001


class Reference:
    """Use it as a context; ``row`` afterwards."""

    def __enter__(self) -> Reference:
        command = [sys.executable, "-m", "bench.reference"]
        self._child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_raised: object) -> None:
        said, _ = self._child.communicate()
        self._late = json.loads(said)

    @property
    def row(self) -> Row:
        """p99 of the lateness."""
        why = f"p50 {self._late['p50']:.2f} ms: what this machine took from every process while the bench ran"
        return Row("for comparison: lateness of a bare process that sleeps 1 ms, p99", self._late["p99"], "ms", why=why)


def main() -> None:
    """Sleep and measure."""
    late: list[float] = []
    while not select.select([sys.stdin], [], [], 0)[0]:
        before = time.monotonic()
        time.sleep(SLEEP_S)
        late.append(time.monotonic() - before - SLEEP_S)
    late.sort()
    quantiles = {name: late[int(share * len(late))] * 1000 for name, share in (("p50", 0.5), ("p99", 0.99))}
    print(json.dumps(quantiles))


if __name__ == "__main__":
    main()
