"""Words to the service manager that started this process (sd_notify's protocol), if one did. Nothing is ever asked."""

from __future__ import annotations

import socket
from collections.abc import Mapping

READY = "READY=1"
ALIVE = "WATCHDOG=1"
STOPPING = "STOPPING=1"


class ServiceManager:
    """Whoever listens at ``NOTIFY_SOCKET``; without one every word is dropped."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """``environ`` is the process environment; an address that begins with @ lies in the abstract name space."""
        name = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name

    def tell(self, word: str) -> bool:
        """Say one word; False if nobody took it. Never waits: a full queue drops it, the next one follows soon."""
        if not self._address:
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            try:
                line.sendto(word.encode(), self._address)
            except OSError:
                return False
        return True
