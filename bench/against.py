"""The hot path of this tree and of another revision in the same run: is it slower than before?

The other revision is checked out into a git worktree of its own and measured there with the benches of this tree, so
both sides are asked the same. The two take turns, each turn in a fresh process, and the ratio is made turn by turn:
what else the machine does falls on both.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.frames import generated, recorded, recordings
from bench.hot_path import BARE, measured
from bench.machine import ROOT, git
from bench.table import Row, Section

TURNS = 5
GENERATED = 8_000
STAGES_OF_OURS = ("book", "features", "core")


def section(revision: str) -> Section:
    """Ratios this tree / ``revision`` of every stage that both have; above 1 means slower than before."""
    name = git("rev-parse", "--short", revision)
    with worktree(name) as other:
        turns = [(_turn(ROOT), _turn(other)) for _ in range(TURNS)]
    rows = []
    for data in turns[0][0]:
        for stage in STAGES_OF_OURS:
            pairs = [(here[data].get(stage), there[data].get(stage)) for here, there in turns]
            ratios = [here / there for here, there in pairs if here and there]
            if not ratios:
                rows.append(Row(f"{data}: {stage}", None, "x", why=f"one of the two has no {stage}"))
                continue
            spread = f"{min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} turns"
            rows.append(Row(f"{data}: {stage}", median(ratios), "x", why=spread))
    return Section(f"cost of this tree in multiples of {name}, each in bare decodes of its own turn", rows)


@contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """``revision`` checked out in a folder of its own, with the benches of this tree."""
    with tempfile.TemporaryDirectory(prefix="cockpit-bench-") as folder:
        path = Path(folder) / "tree"
        git("worktree", "add", "--detach", str(path), revision)
        try:
            shutil.rmtree(path / "bench", ignore_errors=True)
            shutil.copytree(ROOT / "bench", path / "bench", ignore=shutil.ignore_patterns("__pycache__"))
            yield path
        finally:
            git("worktree", "remove", "--force", str(path))


def _turn(tree: Path) -> dict[str, dict[str, float]]:
    """Costs of one turn in a fresh process; the recordings come from beside this tree."""
    files = {name: str(path) for name, path in recordings()}
    done = subprocess.run(
        [sys.executable, "-m", "bench.against", json.dumps(files)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the hot path does not run in {tree}:\n{done.stderr[-2000:]}")
    costs: dict[str, dict[str, float]] = json.loads(done.stdout)
    return costs


def _print_costs(files: dict[str, str]) -> None:
    sets = [*(recorded(name, Path(path)) for name, path in files.items()), generated(GENERATED)]
    costs = {each.name: measured(each, passes=3, with_peers=False) for each in sets}
    relative = {name: {stage: cost / part[BARE] for stage, cost in part.items()} for name, part in costs.items()}
    print(json.dumps(relative))


if __name__ == "__main__":
    _print_costs(json.loads(sys.argv[1]))
