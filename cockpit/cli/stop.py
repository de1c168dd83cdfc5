"""``cockpit stop``: the engine first, then the simulated exchange. What to do with open positions must be said."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from cockpit.cli.background import ENGINE_WORD, end_simex, running_profiles
from cockpit.cli.clock import CLOCK
from cockpit.cli.hints import either, typed
from cockpit.cli.narration import say
from cockpit.cli.options import data_dir_option
from cockpit.cli.processes import end, is_cockpit, wait_for
from cockpit.cli.run_files import EngineRun
from cockpit.cli.terminal import operator_name
from cockpit.config.profile import Profile, profile_of
from cockpit.domain.commands import Shutdown
from cockpit.domain.enums import Environment
from cockpit.domain.errors import CockpitError, SafetyRefusal
from cockpit.link.client import LinkRefused
from cockpit.link.unix_client import attach
from cockpit.views.frames import CommandReply

END_S = 15.0
FLATTEN_S = 60.0


@click.command()
@click.option("--leave-protected", is_flag=True, help="Leave positions open; their stops stay at the exchange.")
@click.option("--flatten", is_flag=True, help="Close everything first.")
@data_dir_option
def stop(leave_protected: bool, flatten: bool, data_dir: Path | None) -> int:
    """End the engine, then the simulated exchange. With an open position, say which way."""
    if leave_protected and flatten:
        raise click.UsageError("--leave-protected and --flatten exclude each other")
    return _stop(Shutdown(leave_protected=leave_protected, flatten=flatten), data_dir)


def _stop(policy: Shutdown, data_dir: Path | None) -> int:
    found = running_profiles(data_dir)
    for profile, engine in found:
        _end_engine(profile, engine, policy)
        say(f"engine stopped ({engine.environment})")
    if end_simex(profile_of(Environment.SIM, data_dir, os.environ), CLOCK):
        say("simex stopped")
    elif not found:
        say("nothing is running")
    return 0


def _end_engine(profile: Profile, engine: EngineRun, policy: Shutdown) -> None:
    try:
        reply = asyncio.run(_ask_to_end(profile, policy))
    except LinkRefused as error:
        # It talks to no screen of this version; its own handling of the signal leaves positions protected.
        if not policy.leave_protected:
            again = either("stop --leave-protected", profile.data_dir)
            raise SafetyRefusal(f"{error} (without asking it: {again})") from error
        _end_by_signal(engine)
        return
    if not reply.accepted:
        raise SafetyRefusal("\n".join((reply.reason, *_ways(reply, profile))))
    patience_s = FLATTEN_S if policy.flatten else END_S
    if wait_for(lambda: not is_cockpit(engine.pid, ENGINE_WORD), CLOCK, patience_s):
        return
    if policy.flatten:
        look = typed("status", profile.data_dir)
        raise CockpitError(f"not flat after {patience_s:.0f} s; the engine goes on trying: {look}")
    _end_by_signal(engine)


def _ways(reply: CommandReply, profile: Profile) -> list[str]:
    """What to type where the refusal wants to be told which way."""
    if "--leave-protected" not in reply.reason:
        return []
    return [
        f"to close everything first:     {either('stop --flatten', profile.data_dir)}",
        f"to leave it to its stops:      {either('stop --leave-protected', profile.data_dir)}",
    ]


async def _ask_to_end(profile: Profile, policy: Shutdown) -> CommandReply:
    client = await attach(profile.socket, f"stop {operator_name()}"[:120])
    try:
        async with asyncio.timeout(END_S):
            return await client.send(policy, seen="cockpit stop")
    except TimeoutError as error:
        raise LinkRefused("the engine does not answer") from error
    except ConnectionError:
        return CommandReply("", True, "it ended before it answered")
    finally:
        await client.aclose()


def _end_by_signal(engine: EngineRun) -> None:
    if not end(engine.pid, ENGINE_WORD, CLOCK, END_S):
        say(f"the engine (pid {engine.pid}) had to be killed; stops at the exchange stay in place")
