"""Where a profile keeps its files. A profile is a data folder and an environment; nothing is shared between two.

::

    DATA/                 $XDG_STATE_HOME/cockpit, else ~/.local/state/cockpit, or --data-dir
      last-environment
      ENV/                sim, demo, testnet, live
        journal.sqlite    engine.lock    recordings/    logs/engine.jsonl    simex-MARKET.json
                          entries-off.json
    RUN/                  $XDG_RUNTIME_DIR/cockpit for the default data folder, else DATA/run
      ENV.sock            engine-ENV.json    flags-ENV.json    simex.json
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cockpit.config.private import OTHERS_WRITE, private_folder
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError
from cockpit.link.socket_file import LONGEST_PATH

_UMASK = 0o077


@dataclass(frozen=True)
class Profile:
    """The paths of one profile. Nothing is made before ``create``."""

    environment: Environment
    data_dir: Path
    run_dir: Path

    @property
    def folder(self) -> Path:
        """What belongs to this environment alone."""
        return self.data_dir / self.environment.value

    @property
    def journal(self) -> Path:
        """The journal's SQLite file."""
        return self.folder / "journal.sqlite"

    @property
    def recordings(self) -> Path:
        """Segments of raw frames."""
        return self.folder / "recordings"

    @property
    def log_file(self) -> Path:
        """JSON lines of the engine."""
        return self.folder / "logs" / "engine.jsonl"

    @property
    def lock_file(self) -> Path:
        """Locked by the running engine."""
        return self.folder / "engine.lock"

    @property
    def socket(self) -> Path:
        """Where screens attach."""
        return self.run_dir / f"{self.environment.value}.sock"

    @property
    def engine_file(self) -> Path:
        """What the running engine was started with (0600)."""
        return self.run_dir / f"engine-{self.environment.value}.json"

    @property
    def flags_file(self) -> Path:
        """Flags that the journal could not take, and a flatten that is not over."""
        return self.run_dir / f"flags-{self.environment.value}.json"

    @property
    def pause_file(self) -> Path:
        """That ``cockpit flatten`` keeps entries off, for an engine that starts after a restart of the machine."""
        return self.folder / "entries-off.json"

    @property
    def last_environment_file(self) -> Path:
        """Where the last engine of the data folder traded."""
        return self.data_dir / "last-environment"

    @property
    def simex_file(self) -> Path:
        """Addresses and key of the running simulated exchange (0600)."""
        return self.run_dir / "simex.json"

    def simex_account(self, market: str) -> Path:
        """The simulated account, one a market (``synthetic``, ``relay``, ``recording:PATH``)."""
        source, _, path = market.partition(":")
        mark = f"-{hashlib.sha256(path.encode()).hexdigest()[:12]}" if path else ""
        return self.folder / f"simex-{source}{mark}.json"

    def create(self) -> None:
        """Make the folders, or check them. From here on all files this process makes are its user's alone.

        Raises:
            SafetyRefusal: a folder is a link, belongs to somebody else or is open to others.
            ConfigError: a folder cannot be made, or the socket's path is too long.
        """
        os.umask(_UMASK)
        if len(os.fsencode(self.socket)) > LONGEST_PATH:
            raise ConfigError(
                f"socket path {self.socket} is longer than {LONGEST_PATH} bytes; take a shorter --data-dir"
            )
        private_folder(self.data_dir, OTHERS_WRITE)
        for folder in (self.run_dir, self.folder, self.recordings, self.log_file.parent):
            private_folder(folder)


def profile_of(environment: Environment, data_dir: Path | None, environ: Mapping[str, str]) -> Profile:
    """The profile of an environment.

    Args:
        environment: where orders go.
        data_dir: the data folder, None for the default one.
        environ: the process environment; XDG_STATE_HOME, XDG_RUNTIME_DIR and HOME are read.

    Raises:
        ConfigError: there is no folder to take.
    """
    default = _default_data_dir(environ)
    chosen = default if data_dir is None else data_dir.expanduser().absolute()
    if chosen is None:
        raise ConfigError("neither HOME nor XDG_STATE_HOME is set: name a --data-dir")
    runtime = environ.get("XDG_RUNTIME_DIR")
    # A folder of the user's own choice keeps its sockets itself: two such folders must never share one.
    run_dir = Path(runtime, "cockpit") if runtime and chosen == default else chosen / "run"
    return Profile(environment, chosen, run_dir)


def _default_data_dir(environ: Mapping[str, str]) -> Path | None:
    if state := environ.get("XDG_STATE_HOME"):
        return Path(state, "cockpit").absolute()
    if home := environ.get("HOME"):
        return Path(home, ".local", "state", "cockpit").absolute()
    return None
