"""What a running engine closed while ``cockpit flatten`` worked beside it, read from its journal. Only for words.

The engine is told before the exchange is asked, and may be done before the first answer: the command itself then meets
no position at all.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from cockpit.domain.enums import Side
from cockpit.domain.errors import CockpitError
from cockpit.domain.time import NS_PER_S

READ_S = 2.0
CLOCKS_NS = NS_PER_S
"""So far the exchange's clock, which times the closes, may be behind ours."""
NEWEST = 200


async def closed_by_engine(journal: Path | str, since_ns: int) -> dict[str, str]:
    """Each symbol of which a trade ended since ``since_ns``, with side and size in words; empty if nobody can tell."""
    from cockpit.adapters.store.reader import JournalReader

    try:
        async with asyncio.timeout(READ_S), JournalReader(journal) as reader:
            trades = await reader.rows("trades", limit=NEWEST)
    except (CockpitError, OSError):  # TimeoutError is one
        return {}
    ended = [trade for trade in trades if (trade["closed_ns"] or 0) >= since_ns - CLOCKS_NS]
    return {row["symbol"]: f"{row['symbol']} {_side(row)} {row['qty']} (by the engine)" for row in ended}


def _side(row: dict[str, Any]) -> str:
    return "long" if row["direction"] == Side.BUY else "short"
