"""Where raw frames go."""

from __future__ import annotations

from typing import Protocol


class FrameSink(Protocol):
    """Takes every frame as it was received. Never blocks, never raises into the stream."""

    def frame(self, ts_recv: int, direction: str, raw: bytes) -> None:
        """Take one frame: receive time (ns), "recv" or "send", and the bytes of its JSON."""
        ...

    def close(self) -> None:
        """Write what is buffered and close."""
        ...
