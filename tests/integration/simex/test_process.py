"""The exchange as a process: one JSON line on stdout when it is ready, a clean end on SIGTERM."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


async def test_process_announces_itself_and_ends_on_a_signal(open_client: Any) -> None:
    symbols = ",".join(f"COIN{number}USDT" for number in range(40))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cockpit.simex", "--port", "0", "--symbols", symbols),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        assert {"rest", "public", "private", "trade", "control", "api_key", "api_secret"} == set(ready)
        async with open_client(f"{ready['public']}/linear") as client:
            assert (await client.subscribe("orderbook.50.COIN39USDT"))["success"] is True
            await client.until(lambda frame: frame.get("type") == "delta")
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 30) == 0
        assert await process.stdout.read() == b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
