"""``cockpit status``: what the running engine says of itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec

from cockpit.cli.background import running_profiles, simex_of
from cockpit.cli.narration import say, tell, tell_json
from cockpit.cli.options import data_dir_option
from cockpit.cli.run_files import EngineRun
from cockpit.cli.terminal import operator_name
from cockpit.config.profile import Profile
from cockpit.link.unix_client import UnixClient, attach
from cockpit.views.frames import ViewFrame
from cockpit.views.model import GatesView, HeaderView, HealthView, PositionsView, RiskView, View

WANTED = (HeaderView, HealthView, PositionsView, RiskView)
PATIENCE_S = 3.0
MOST_WATCHED = 4
"""So many symbols an attachment may watch; the others' gates are seen on the screen."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@data_dir_option
def status(as_json: bool, data_dir: Path | None) -> int:
    """Tell whether an engine runs, what its tasks do, and what is open. Exits 1 if none runs."""
    found = running_profiles(data_dir)
    if not found:
        if as_json:
            tell_json({"running": False})
        say("no engine runs: cockpit run starts one")
        return 1
    for profile, engine in found:
        told = asyncio.run(_ask(profile, engine))
        tell_json(told) if as_json else tell(_in_words(told))
    return 0


async def _ask(profile: Profile, engine: EngineRun) -> dict[str, Any]:
    """Everything a script may want to know; sections that did not come in time are missing."""
    client = await attach(profile.socket, f"status {operator_name()}"[:120], observer=True)
    try:
        watched = client.hello.symbols[:MOST_WATCHED]
        await client.watch(watched)
        views, gates = await _first_views(client, len(watched))
        hello = client.hello
    finally:
        await client.aclose()
    simex = simex_of(profile)
    return {
        "running": True,
        "pid": hello.pid,
        "environment": hello.environment,
        "market": engine.market,
        "source": hello.source,
        "symbols": hello.symbols,
        "preset": hello.preset,
        "engine_version": hello.engine_version,
        "instance": hello.instance,
        "socket": str(profile.socket),
        "simex": None if simex is None else {"pid": simex.pid, "rest": simex.rest},
        "symbol_gates": gates,
        **{str(view.__struct_config__.tag): _plain(view) for view in views},
    }


async def _first_views(client: UnixClient, watched: int) -> tuple[list[View], dict[str, Any]]:
    """The sections, and the entry gates of each watched symbol."""
    found: dict[type[View], View] = {}
    gates: dict[str, Any] = {}
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for event in client.events():
                if isinstance(event, ViewFrame) and isinstance(event.view, WANTED):
                    found[type(event.view)] = event.view
                if isinstance(event, ViewFrame) and isinstance(event.view, GatesView):
                    gates[event.view.symbol] = msgspec.to_builtins(event.view.gates)
                if len(found) == len(WANTED) and len(gates) == watched:
                    break
    except TimeoutError:
        say("the engine has not told everything in time")
    return list(found.values()), gates


def _plain(view: View) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(view)
    fields.pop("type", None)
    return fields


def _in_words(told: dict[str, Any]) -> str:
    header, health = told.get("header", {}), told.get("health", {})
    rows = told.get("positions", {}).get("rows", [])
    why = "; ".join(header.get("blocks", [])) or header.get("closed", "")
    lines = [
        f"engine     {told['environment']}  {told['source']}  pid {told['pid']}  version {told['engine_version']}",
        f"up         {health.get('uptime_s', 0)} s, {health.get('viewers', 1) - 1} screens attached",
        f"symbols    {' '.join(told['symbols'])}  preset {told['preset']}",
        f"entries    {header.get('entries', '?')}  {why}".rstrip(),
        f"positions  {len(rows)}" + "".join(f"\n           {_position(row)}" for row in rows),
    ]
    lines += [f"gate       {_gate(gate)}" for gate in told.get("risk", {}).get("gates", [])]
    for symbol, gates in told.get("symbol_gates", {}).items():
        closed = [_gate(gate) for gate in gates if gate["state"] != "ok"]
        lines += [f"gate       {symbol} {words}" for words in closed] or [f"gate       {symbol} all {len(gates)} open"]
    for task in health.get("tasks", []):
        detail = f"  {task['detail']}" if task["detail"] else ""
        lines.append(f"task       {task['name']:<14}{task['state']}{detail}  restarts {task['restarts']}")
    if told["simex"] is not None:
        lines.append(f"simex      pid {told['simex']['pid']}  {told['simex']['rest']}")
    return "\n".join(lines)


def _gate(gate: dict[str, Any]) -> str:
    """One entry gate: verdict, value, threshold, age of its evidence."""
    verdict = "open" if gate["state"] == "ok" else "CLOSED"
    age = "" if gate["age_ms"] is None else f", {gate['age_ms'] / 1000:.1f} s old"
    return f"{gate['name']:<15}{verdict:<7} {gate['value']} (needs {gate['threshold']}{age})"


def _position(row: dict[str, Any]) -> str:
    side = "long" if row["is_long"] else "short"
    return f"{row['symbol']} {side} {row['qty']} at {row['entry']}, stop {row['stop']} ({row['stop_state']})"
