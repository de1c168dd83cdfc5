"""``cockpit status``: what the running engine says of itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from cockpit.cli.background import running_profiles, simex_goes_on, simex_of
from cockpit.cli.hints import typed
from cockpit.cli.narration import say, tell, tell_json
from cockpit.cli.options import data_dir_option
from cockpit.cli.run_files import EngineRun, SimexRun
from cockpit.cli.terminal import operator_name
from cockpit.config.profile import Profile, profile_of
from cockpit.domain.enums import Environment
from cockpit.link.unix_client import UnixClient, attach
from cockpit.views.frames import Role, ViewFrame
from cockpit.views.model import GatesView, HeaderView, HealthView, PositionsView, RiskView, View

WANTED = (HeaderView, HealthView, PositionsView, RiskView)
PATIENCE_S = 3.0
MOST_WATCHED = 4
"""So many symbols an attachment may watch at a time."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@data_dir_option
def status(as_json: bool, data_dir: Path | None) -> int:
    """Tell whether an engine runs, what its tasks do, and what is open. Exits 1 if none runs."""
    found = running_profiles(data_dir)
    if not found:
        return _without_engine(as_json, data_dir)
    for profile, engine in found:
        told = asyncio.run(_ask(profile, engine))
        tell_json(told) if as_json else tell(_in_words(told))
    return 0


def _without_engine(as_json: bool, data_dir: Path | None) -> int:
    """The simulated exchange may still run: it outlives an engine that a signal ended."""
    simex = simex_of(profile_of(Environment.SIM, data_dir, os.environ))
    if as_json:
        tell_json({"running": False} | ({} if simex is None else {"simex": _address(simex)}))
    say(f"no engine runs: {typed('run', data_dir)} starts one")
    if simex is not None:
        say(simex_goes_on(simex, data_dir))
    return 1


def _address(simex: SimexRun | None) -> dict[str, Any] | None:
    return None if simex is None else {"pid": simex.pid, "rest": simex.rest}


async def _ask(profile: Profile, engine: EngineRun) -> dict[str, Any]:
    """Everything a script may want to know; sections that did not come in time are missing."""
    client = await attach(profile.socket, f"status {operator_name()}"[:120], observer=True)
    try:
        hello = client.hello
        views, gates, screens = await _looked(client)
    finally:
        await client.aclose()
    told = {str(view.__struct_config__.tag): _plain(view) for view in views}
    # The engine's own count may be older than this attachment: whether it holds this one depends on the moment.
    told.get("health", {}).pop("viewers", None)
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
        "simex": _address(simex_of(profile)),
        "screens": screens,
        "symbol_gates": gates,
        **told,
    }


async def _looked(client: UnixClient) -> tuple[list[View], dict[str, Any], int]:
    """The sections, the entry gates of every symbol, and how many others are attached."""
    found: dict[type[View], View] = {}
    gates: dict[str, Any] = {}
    screens = 0
    events, symbols = client.events(), client.hello.symbols
    for at in range(0, len(symbols), MOST_WATCHED):
        watched = symbols[at : at + MOST_WATCHED]
        await client.watch(watched)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while len(found) < len(WANTED) or not gates.keys() >= set(watched):
                    match await anext(events):
                        case Role() as role:
                            screens = role.viewers - 1
                        case ViewFrame(view=GatesView() as view):
                            gates[view.symbol] = msgspec.to_builtins(view.gates)
                        case ViewFrame(view=view) if isinstance(view, WANTED):
                            found[type(view)] = view
        except (TimeoutError, StopAsyncIteration):
            say("the engine has not told everything in time")
            break
    return list(found.values()), gates, screens


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
        f"up         {health.get('uptime_s', 0)} s, {_counted(told['screens'], 'screen')} attached",
        f"symbols    {' '.join(told['symbols'])}  preset {told['preset']}",
        f"entries    {header.get('entries', '?')}  {why}".rstrip(),
        f"positions  {len(rows)}" + "".join(f"\n           {_position(row)}" for row in rows),
    ]
    lines += [f"gate       {_gate(gate)}" for gate in told.get("risk", {}).get("gates", [])]
    lines += [f"gate       {words}" for words in _symbol_gates(told["symbols"], told["symbol_gates"])]
    for task in health.get("tasks", []):
        detail = f"  {task['detail']}" if task["detail"] else ""
        lines.append(f"task       {task['name']:<14}{task['state']}{detail}  restarts {task['restarts']}")
    if told["simex"] is not None:
        lines.append(f"simex      pid {told['simex']['pid']}  {told['simex']['rest']}")
    return "\n".join(lines)


def _symbol_gates(symbols: Sequence[str], gates_of: dict[str, Any]) -> Iterator[str]:
    """Closed gates one by one, then the symbols that have none, then those that the engine did not tell in time."""
    told = [symbol for symbol in symbols if symbol in gates_of]
    closed = {symbol: [gate for gate in gates_of[symbol] if gate["state"] != "ok"] for symbol in told}
    for symbol, gates in closed.items():
        yield from (f"{symbol} {_gate(gate)}" for gate in gates)
    if is_open := [symbol for symbol, gates in closed.items() if not gates]:
        yield f"all {len(gates_of[is_open[0]])} open: {' '.join(is_open)}"
    if untold := [symbol for symbol in symbols if symbol not in gates_of]:
        yield f"not told in time: {' '.join(untold)}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _gate(gate: dict[str, Any]) -> str:
    """One entry gate: verdict, value, threshold, age of its evidence."""
    verdict = "open" if gate["state"] == "ok" else "CLOSED"
    age = "" if gate["age_ms"] is None else f", {gate['age_ms'] / 1000:.1f} s old"
    return f"{gate['name']:<15}{verdict:<7} {gate['value']} (needs {gate['threshold']}{age})"


def _position(row: dict[str, Any]) -> str:
    side = "long" if row["is_long"] else "short"
    return f"{row['symbol']} {side} {row['qty']} at {row['entry']}, stop {row['stop']} ({row['stop_state']})"
