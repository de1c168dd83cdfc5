"""``python -m bench [GROUP ...] [--against REV]``: measure and print. The figures are made in the groups' modules."""

from __future__ import annotations

import argparse
import sys
import traceback
from importlib import import_module

from bench.machine import ROOT, headline
from bench.table import lines

GROUPS = ("hot_path", "views", "alerts", "latency", "keys", "screen", "memory", "start")
PAGE = ROOT / "docs" / "PERFORMANCE.md"
START = "<!-- figures: written by make bench ARGS=--write -->"
END = "<!-- end of figures -->"


def main() -> int:
    """Run the groups asked for (all of them by default), or compare with another revision."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measurements beside their budgets.")
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help=f"any of: {', '.join(GROUPS)}; default: all")
    parser.add_argument("--against", metavar="REV", help="the hot path on another revision, in the same run")
    parser.add_argument("--write", action="store_true", help=f"put what is printed into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    printed = [headline()]
    print(printed[0], flush=True)
    is_whole = True
    for group in [""] if options.against else options.groups or GROUPS:
        text = _against(options.against) if options.against else _group(group)
        is_whole = is_whole and text is not None
        printed.append(text or f"\n{group}: broke off")
        print(printed[-1], flush=True)
    if options.write:
        write("\n".join(printed))
    return 0 if is_whole else 1


def _against(revision: str) -> str:
    from bench.against import section

    return "\n".join(lines(section(revision)))


def _group(group: str) -> str | None:
    """The tables of one group; None if it broke, which must not stop the others."""
    try:
        sections = import_module(f"bench.{group}").sections()
    except Exception:  # noqa: BLE001 - the other groups' figures are still wanted
        traceback.print_exc()
        return None
    return "\n".join("\n".join(lines(section)) for section in sections)


def write(text: str) -> None:
    """Put figures between the marks of the page."""
    before, mark, rest = PAGE.read_text().partition(START)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"{PAGE}: the marks of the figures are missing")
    PAGE.write_text(f"{before}{START}\n```text\n{text}\n```\n{END}{after}")


if __name__ == "__main__":
    sys.exit(main())
