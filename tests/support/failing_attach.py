"""``cockpit attach`` that fails on purpose while secrets stand in local variables: ``failing_attach PLACE FOLDER``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cockpit.cli.main import exit_code
from cockpit.link.unix_client import UnixClient
from cockpit.ui.app import CockpitApp
from cockpit.ui.screens.cockpit import CockpitScreen
from cockpit.ui.session import Session
from tests.support.canary import KEY, SECRET

PLACES: dict[str, tuple[type, str]] = {
    "draw": (CockpitScreen, "draw"),
    "layout": (CockpitScreen, "show"),
    "key": (Session, "press"),
    "view": (Session, "heard"),
    "second": (CockpitApp, "_once_a_second"),
    "link": (UnixClient, "watch"),
}
CALLS_BEFORE = 2


def fail_at(place: str, folder: str) -> None:
    """Let the place work a few times and then fail, with the key in variables, in the error's cause and as a note."""
    owner, name = PLACES[place]
    whole: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def failing(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls <= CALLS_BEFORE and place not in {"key", "link"}:
            return whole(*args, **kwargs)
        simex = json.loads(Path(folder, "run", "simex.json").read_text())
        assert (simex["api_key"], simex["api_secret"]) == (KEY, SECRET)
        headers = {"X-BAPI-API-KEY": simex["api_key"], "X-BAPI-SIGN": simex["api_secret"]}
        raise RuntimeError(f"failed on purpose with {len(headers)} headers")

    setattr(owner, name, failing)


if __name__ == "__main__":
    fail_at(sys.argv[1], sys.argv[2])
    sys.exit(exit_code(["attach", "--data-dir", sys.argv[2]]))
