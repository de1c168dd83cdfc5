"""What others may see of this process: its memory, its files, its environment and its last words.

``keep_private`` is for the first line of every entry point: what follows opens files and reads keys.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import resource
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from cockpit.domain.text import safe

_UMASK = 0o077
_PR_SET_DUMPABLE = 4
_LONGEST_LINE = 2_000

_log = logging.getLogger("cockpit.crash")


def keep_private() -> None:
    """Files for this user alone, no core files, no debugger of the same user, no local variables in last words.

    A process that is not dumpable hides memory, environment and descriptors in ``/proc`` from all but root.
    """
    os.umask(_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    sys.excepthook = _ended_by
    threading.excepthook = _thread_ended
    sys.unraisablehook = _unraisable


def watch_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Log what nobody caught in this loop: the error, not the objects around it."""
    loop.set_exception_handler(_loop_failed)


def blank_variable(name: str) -> None:
    """Overwrite the value of a variable where the process was given it, so that ``/proc/PID/environ`` is blank there.

    Taking it out of ``os.environ`` alone leaves it readable there for the life of the process.
    """
    if sys.platform != "linux":
        return
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_void_p
    address = getenv(name.encode())
    if address:
        ctypes.memset(address, 0, len(ctypes.string_at(address)))


def last_words(error: BaseException) -> str:
    """A traceback for a person: no local variables, and nothing that a foreign text could do to the terminal."""
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    return "\n".join(safe(line, _LONGEST_LINE) for line in told.splitlines())


def _ended_by(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt) or sys.stderr is None:
        return
    sys.stderr.write(last_words(error) + "\n")


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        _log.error("thread %s ended", args.thread.name if args.thread else "?", exc_info=args.exc_value)


def _unraisable(args: Any) -> None:
    """An error where none can be raised (``sys.UnraisableHookArgs``); the object it names is not shown."""
    if args.exc_value is not None:
        _log.error("an error while cleaning up", exc_info=args.exc_value)


def _loop_failed(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    _log.error("%s", context.get("message", "an error in the loop"), exc_info=context.get("exception"))
