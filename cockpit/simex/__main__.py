"""``python -m cockpit.simex``: runs the exchange, prints one JSON line when it is ready. Options as `cockpit simex`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from cockpit.adapters.system.process import keep_private
from cockpit.simex.config import DEFAULT_SYMBOLS, SimexConfig
from cockpit.simex.server import run_simex


def main() -> None:
    """Parse the options and run."""
    keep_private()
    parser = argparse.ArgumentParser(prog="python -m cockpit.simex")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--market", default="synthetic")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--symbols", default=",".join(DEFAULT_SYMBOLS))
    parser.add_argument("--account-file", type=Path)
    args = vars(parser.parse_args())
    args["symbols"] = tuple(args["symbols"].split(","))
    run_simex(SimexConfig.model_validate(args), _announce)


def _announce(ready: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
