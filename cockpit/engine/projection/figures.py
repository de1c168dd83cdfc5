"""What the shell knows and the core does not: filled in by the runner, read by the projection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec


class TaskFigures(Protocol):
    """One supervised task (see ``engine.supervisor.TaskStatus``)."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def detail(self) -> str: ...  # noqa: D102
    @property
    def restarts(self) -> int: ...  # noqa: D102
    @property
    def age_ms(self) -> int: ...  # noqa: D102


class ShellFigures(msgspec.Struct, kw_only=True):
    """Figures of the process around the core."""

    environment_word: str
    """SIM, PAPER, DEMO, TESTNET or LIVE."""
    source: str
    account: str = ""
    """The last digits of the account's number."""
    speed: str = ""
    profile: str = ""
    preset: str = ""
    recorder: str = ""
    engine_version: str = ""
    started_ns: int = 0
    loop_lag_ns: int = 0
    viewers: int = 0
    tasks: Sequence[TaskFigures] = ()
    drift_ms: int | None = None
    disk_free: Callable[[], int | None] = lambda: None
    """Bytes free on the journal's disk, None if that cannot be told."""
    is_lock_held: Callable[[], bool] = lambda: False
    """True while this process holds the profile's lock file."""
