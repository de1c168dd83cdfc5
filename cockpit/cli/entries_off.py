"""Entries stay off while ``cockpit flatten`` works and afterwards, until ``:resume``: engines are told, or read it.

An engine that runs is asked over its socket to flatten as well, one that starts meanwhile or later finds a flag. All of
it is best effort: nothing here may keep a flatten waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from cockpit.adapters.store.flag_file import FlagFile
from cockpit.cli.clock import CLOCK
from cockpit.cli.narration import say
from cockpit.cli.terminal import operator_name
from cockpit.config.profile import Profile
from cockpit.domain.commands import FlattenAll
from cockpit.domain.errors import CockpitError
from cockpit.engine.locks import OPERATOR_CLEARS, PAUSED
from cockpit.link.unix_client import NoEngine, attach

ENGINE_S = 1.0
"""How long an engine may take to answer before the flatten goes on without it."""
AGAIN_S = 2.0
RUNS_ALREADY = "running already"


def leave_word(profile: Profile) -> None:
    """Write the flag that the next engine of the profile reads: entries are paused.

    Beside the sockets and, because those may be gone after a restart of the machine, in the data folder too.
    """
    for path in (profile.flags_file, profile.pause_file):
        if path.parent.is_dir():
            try:
                FlagFile(path).keep(OPERATOR_CLEARS[PAUSED], "1")
            except OSError as error:
                say(f"an engine that starts now does not know of this flatten: {path}: {error.strerror}")


def take_word(profile: Profile) -> None:
    """At the start of an engine: what a flatten left in the data folder goes to where the journal reads flags.

    Raises:
        CockpitError: it cannot be written; without it entries would be on.
    """
    try:
        if profile.pause_file.exists():
            FlagFile(profile.flags_file).keep(OPERATOR_CLEARS[PAUSED], "1")
    except OSError as error:
        raise CockpitError(f"entries must stay off, but {profile.flags_file} cannot be written: {error}") from error


def drop_word(profile: Profile) -> None:
    """The journal of an engine holds the flag now."""
    with suppress(OSError):
        profile.pause_file.unlink(missing_ok=True)


@asynccontextmanager
async def kept_off(profile: Profile) -> AsyncIterator[asyncio.Event]:
    """Entries are kept off: begins once a running engine knows, or has been silent for ``ENGINE_S``.

    The event is set when an engine knows: from then on it closes everything too.
    """
    first, known = asyncio.Event(), asyncio.Event()
    telling = asyncio.create_task(_tell_until_known(profile, first, known))
    telling.add_done_callback(lambda _: first.set())  # whatever ends it, the flatten goes on
    await first.wait()
    try:
        yield known
    finally:
        telling.cancel()
        await asyncio.wait([telling])


async def tell_engine(profile: Profile) -> str:
    """Ask the engine to flatten; "" if it does, else why it was not told."""
    try:
        async with asyncio.timeout(ENGINE_S):
            client = await attach(profile.socket, f"flatten {operator_name()}"[:120])
            try:
                reply = await client.send(FlattenAll(), seen="cockpit flatten")
            finally:
                await client.aclose()
    except NoEngine:
        return "no engine runs"
    except TimeoutError:
        return "the engine does not answer"
    except (CockpitError, OSError) as error:
        return str(error)
    return "" if reply.accepted or RUNS_ALREADY in reply.reason else reply.reason


async def _tell_until_known(profile: Profile, first: asyncio.Event, known: asyncio.Event) -> None:
    """Again and again: an engine may start, or wake, while the flatten works."""
    said = "no engine runs"
    while why := await tell_engine(profile):
        first.set()
        if why != said:
            say(f"the engine is not told ({why}); it is asked again, the flatten goes on")
            said = why
        await CLOCK.sleep(AGAIN_S)
    drop_word(profile)
    known.set()
    first.set()
    say("the running engine knows: it closes everything too, and entries stay off until :resume")
