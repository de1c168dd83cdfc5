"""Records raw frames into compressed segments, on a thread of its own. The stream that calls it never waits."""

from __future__ import annotations

import logging
import threading
from collections import deque
from pathlib import Path

from cockpit.adapters.recording.frames import DIRECTIONS, pack_record
from cockpit.adapters.recording.segments import OpenSegment, remove_oldest
from cockpit.domain.time import NS_PER_S
from cockpit.ports.clock import Clock

_FLUSH_S = 0.8
"""What is older than this is in the file: a killed process loses less than a second."""
_RETRY_NS = 10 * NS_PER_S
_CLOSE_S = 10.0
_log = logging.getLogger(__name__)


class SegmentWriter:
    """Implements ``ports.recorder.FrameSink`` with a folder of segments."""

    def __init__(
        self, folder: Path, max_segment_bytes: int, cap_bytes: int, clock: Clock, *, max_waiting: int = 50_000
    ) -> None:
        """Start the thread.

        Args:
            folder: made (0700) if it is missing.
            max_segment_bytes: a segment that has reached this size is closed, compressed bytes.
            cap_bytes: of all segments of the folder; the oldest are deleted before a new one would pass it.
            clock: stamps file names and times retries after a full disk.
            max_waiting: frames that may wait for the thread; further ones are dropped and counted.
        """
        if cap_bytes < 2 * max_segment_bytes:
            raise ValueError("the cap must hold at least two segments")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._max_segment_bytes = max_segment_bytes
        self._keep_bytes = cap_bytes - max_segment_bytes
        self._clock = clock
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[int, str, bytes]] = deque()
        self._refused = 0  # counted by the caller's thread
        self._lost = 0  # counted by ours
        self._told = 0
        self._failure = ""
        self._retry_ns = 0
        self._segment: OpenSegment | None = None
        self._wake = threading.Event()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Frames that are missing in the recording."""
        return self._refused + self._lost

    @property
    def failure(self) -> str:
        """Why nothing can be written at present, "" if it can."""
        return self._failure

    def frame(self, ts_recv: int, direction: str, raw: bytes) -> None:
        """Take one frame: receive time (ns), "recv" or "send", and its bytes. Never waits, never raises."""
        count = len(self._waiting)
        if count >= self._max_waiting or self._is_closing or direction not in DIRECTIONS:
            self._refused += 1
            return
        self._waiting.append((ts_recv, direction, raw))
        if count == self._max_waiting // 2:
            self._wake.set()

    def close(self) -> None:
        """Write what is waiting and end the thread."""
        self._is_closing = True
        self._wake.set()
        self._thread.join(_CLOSE_S)
        if self._thread.is_alive():
            _log.error("the recorder did not end within %s s; %s frames are not written", _CLOSE_S, len(self._waiting))

    def _run(self) -> None:
        while not self._is_closing:
            self._wake.wait(_FLUSH_S)
            self._wake.clear()
            self._write_waiting()
        self._write_waiting()
        self._end_segment()
        self._tell_missing()

    def _write_waiting(self) -> None:
        """Everything that waits goes into the file as one compressed frame."""
        if not self._waiting or (self._clock.monotonic_ns() < self._retry_ns and not self._is_closing):
            return
        frames = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            if self._segment is None:
                remove_oldest(self._folder, self._keep_bytes)
                self._segment = OpenSegment(self._folder, self._clock.now_ns())
            self._segment.write([pack_record(*frame) for frame in frames])
            self._failure = ""
        except OSError as error:
            self._lost += len(frames)
            self._fail(error)
        if self._segment is not None and self._segment.size >= self._max_segment_bytes:
            self._end_segment()
        self._tell_missing()

    def _fail(self, error: OSError) -> None:
        """Give the segment up; frames are kept waiting until the next attempt, as many as there is room for."""
        self._failure = str(error)
        self._retry_ns = self._clock.monotonic_ns() + _RETRY_NS
        _log.error("recording has stopped: %s", error)
        self._end_segment()

    def _end_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        try:
            segment.close()
        except OSError as error:
            _log.error("segment %s could not be closed: %s", segment.path, error)

    def _tell_missing(self) -> None:
        if self.dropped != self._told:
            _log.warning("%s frames are missing in the recording so far", self.dropped)
            self._told = self.dropped
