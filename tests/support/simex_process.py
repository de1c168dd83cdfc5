"""The simulated exchange as a process of its own, and its control routes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]


class SimexProcess:
    """A running exchange: ``ready`` is the line it printed."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.ready = ready

    async def control(self, verb: str, **body: Any) -> Any:
        """Make the exchange do something; the body is the verb's fields."""
        return await asyncio.to_thread(self._control, verb, body)

    async def look(self, verb: str) -> Any:
        """Look inside the exchange."""
        return await asyncio.to_thread(self._control, verb, None)

    async def requests_of(self, path: str) -> list[dict[str, Any]]:
        """The private requests that arrived for a path, oldest first."""
        answer = await self.look(f"requests?path={path}")
        return list(answer["requests"])

    def _control(self, verb: str, body: dict[str, Any] | None) -> Any:
        url = f"{self.ready['control']}/{verb}"
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url, timeout=5) if body is None else session.post(url, json=body, timeout=5)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextlib.contextmanager
def simex_process(*options: str) -> Iterator[SimexProcess]:
    """Start ``python -m cockpit.simex --port 0`` with options, wait until it is ready, end it afterwards."""
    command = [sys.executable, "-m", "cockpit.simex", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield SimexProcess(json.loads(process.stdout.readline()))
        finally:
            process.terminate()
            process.wait(10)
