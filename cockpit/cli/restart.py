"""Crash-only: an engine in the background that failed becomes a new process image and starts over: an essential task of
it ended, or the exchange could not be asked what must be known before a start.

The process keeps its number and its session; the lock, every connection and all state are gone with the old image, so
the start-up path (journal, then the exchange's own account) is the only recovery there is.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from cockpit.cli.background import RESTARTS
from cockpit.cli.narration import say
from cockpit.domain.errors import CockpitError

CALM_S = 600.0
"""An engine that ran this long has its restarts back."""
PAUSE_S = 1.0
OPTION = "--restarts"


def start_anew(error: CockpitError, restarts: int, ran_s: float) -> None:
    """Replace this process by a fresh engine; returns only if no restart is left."""
    if restarts <= 0:
        return
    left = RESTARTS if ran_s >= CALM_S else restarts - 1
    say(f"the engine failed and is started again: {error}")
    time.sleep(pause_s(restarts))
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "cockpit", *with_restarts(sys.argv[1:], left)])  # noqa: S606


def pause_s(restarts: int) -> float:
    """Seconds before the next start, ever longer: an outage of the exchange outlasts a few quick ones."""
    return PAUSE_S * 2.0 ** max(0, RESTARTS - restarts)


def with_restarts(arguments: Sequence[str], restarts: int) -> list[str]:
    """The command line with another number of restarts left."""
    kept = list(arguments)
    while OPTION in kept:
        at = kept.index(OPTION)
        del kept[at : at + 2]
    return [*kept, OPTION, str(restarts)]
