"""``python -m bench [GROUP ...] [--against REV]``: measure and print. The figures are made in the groups' modules."""

from __future__ import annotations

import argparse
import sys
import traceback
from importlib import import_module

from bench.machine import headline
from bench.table import lines

GROUPS = ("hot_path", "views", "alerts", "latency", "keys", "screen", "memory", "start")


def main() -> int:
    """Run the groups asked for (all of them by default), or compare with another revision."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measurements beside their budgets.")
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help=f"any of: {', '.join(GROUPS)}; default: all")
    parser.add_argument("--against", metavar="REV", help="the hot path on another revision, in the same run")
    options = parser.parse_args()
    print(headline(), flush=True)
    if options.against:
        from bench.against import section

        print("\n".join(lines(section(options.against))))
        return 0
    results = [_run(group) for group in options.groups or GROUPS]
    return 0 if all(results) else 1


def _run(group: str) -> bool:
    """Print one group; a group that breaks says so and does not stop the others."""
    try:
        for section in import_module(f"bench.{group}").sections():
            print("\n".join(lines(section)), flush=True)
    except Exception:  # noqa: BLE001 - the other groups' figures are still wanted
        print(f"\n{group}: broke off", flush=True)
        traceback.print_exc()
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
