"""The shipped unit under a real user manager of systemd, which has no privileges.

The manager needs a control group and namespaces of its own, so root alone can start it here; it then drops every
capability. Skipped without systemd or without these rights. A line that drops capabilities would pass here, where none
are left to drop, and end every start under an ordinary user: ``tests/hygiene/test_service.py`` knows them by name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.profile import ProfileFolder, wait_until

UNIT = Path(__file__).parents[2] / "docs" / "cockpit.service"
SYSTEMD = "/lib/systemd/systemd"
START = """
mount -t tmpfs none /run && mkdir -p /run/systemd/system || exit 1
for group; do mkdir "$group" && echo $$ > "$group/cgroup.procs" || exit 1; done
setpriv --bounding-set=-all --inh-caps=-all /lib/systemd/systemd --user &
wait
"""
"""Inside namespaces of its own. Without the folder in ``/run`` the manager takes the machine for one without systemd,
and as the first process of a namespace it would take itself for the system's manager."""


class UserManager:
    """A user's service manager with a home of its own, in which the unit is installed."""

    def __init__(self, folder: Path) -> None:
        self.home, self.runtime = folder / "home", folder / "runtime"
        self.engine = ProfileFolder(self.home / "data")
        self.said = folder / "said"
        self.process: subprocess.Popen[bytes]
        """All of it ends with this one."""

    def install(self) -> None:
        """Copy the unit, with this program and the simulated exchange in it."""
        units, keys = self.home / ".config/systemd/user", self.home / ".config/cockpit"
        for each in (units, keys, self.engine.folder, self.runtime):
            each.mkdir(parents=True, mode=0o700)
        text, program = UNIT.read_text(), Path(sys.executable).with_name("cockpit")
        shipped = "%h/cockpit/.venv/bin/cockpit run --headless --env demo"
        assert text.count(shipped) == 1
        (units / "cockpit.service").write_text(
            text.replace(shipped, f"{program} run --headless --env sim --data-dir %h/data")
        )
        (keys / "key-demo.json").write_text("{}")  # LoadCredential= demands the file

    def start(self, groups: Sequence[Path]) -> None:
        """Start the manager in new control groups."""
        namespaces = [
            "setpriv",
            "--pdeathsig=KILL",
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ]
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [*namespaces, "sh", "-c", START, "sh", *map(str, groups)],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    @property
    def has_ended(self) -> bool:
        """True if the manager is not there any more."""
        return self.process.poll() is not None

    def ctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``systemctl --user``, among the manager's processes: it does not listen to others."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        inside = ["nsenter", "--mount", "--pid", "--target", *children]
        return subprocess.run(
            [*inside, "systemctl", "--user", *words],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def told(self, name: str) -> str:
        """A property of the unit."""
        return self.ctl("show", "cockpit", "--value", "--property", name).stdout.strip()

    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime), "PATH": os.environ["PATH"]}


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[UserManager]:
    if os.geteuid() != 0 or not Path(SYSTEMD).exists() or not all(map(shutil.which, ("unshare", "nsenter", "setpriv"))):
        pytest.skip("needs systemd, and root to start a manager")
    groups = [mount / f"cockpit-test-{os.getpid()}" for mount in hierarchies()]
    started = UserManager(tmp_path)
    started.install()
    started.start(groups)
    try:
        wait_until(lambda: started.has_ended or started.ctl("show-environment").returncode == 0, "it answers")
        if started.has_ended:
            pytest.skip(f"no manager may be started: {started.said.read_text().strip()}")
        yield started
    finally:
        started.process.kill()
        started.process.wait()
        wait_until(lambda: all(map(removed, groups)), "the control groups are gone")


def hierarchies() -> list[Path]:
    """Where control groups are made that a manager uses: the unified ones, and beside them those of older systems."""
    mounts = [line.split()[1:4] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [Path(at) for at, kind, options in mounts if kind == "cgroup2" or "name=systemd" in options.split(",")]


def removed(group: Path) -> bool:
    """Try to remove a control group with all below it; True once nothing is left."""
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            Path(folder).rmdir()
        except OSError:
            return False
    return not group.exists()


def instance(manager: UserManager) -> Any:
    """The engine that answers, None if none does."""
    try:
        return manager.engine.told()["instance"]
    except OSError:
        return None


def until_another(manager: UserManager, before: Any) -> Any:
    """Wait until another engine than ``before`` answers."""
    wait_until(lambda: instance(manager) not in {None, before}, "the manager starts the engine anew")
    return instance(manager)


def test_f121_a_user_s_manager_starts_the_unit_and_starts_it_anew_when_it_dies_or_hangs(manager: UserManager) -> None:
    started = manager.ctl("start", "cockpit")
    assert started.returncode == 0, f"{started.stderr}{manager.said.read_text()}"
    assert (manager.told("ActiveState"), manager.told("NRestarts")) == ("active", "0")
    first = instance(manager)
    assert first is not None, "the manager was told of a ready engine that does not answer"
    assert manager.ctl("kill", "--kill-whom=main", "--signal=KILL", "cockpit").returncode == 0
    second = until_another(manager, first)
    assert manager.ctl("kill", "--kill-whom=main", "--signal=STOP", "cockpit").returncode == 0
    until_another(manager, second)
    assert manager.told("NRestarts") == "2"
    assert manager.ctl("stop", "cockpit").returncode == 0
    assert (manager.told("ActiveState"), manager.told("Result")) == ("inactive", "success")
    assert manager.told("ExecMainStatus") == "0"
    assert instance(manager) is None
