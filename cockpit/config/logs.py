"""The program's log: JSON, one event a line, written by a thread of its own. Never on a terminal that shows the screen.

Every room logs with the standard ``logging``. Lines about money name what they are about in ``extra``: ``signal_id``,
``order_id`` (our link id), ``position_id``.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict

FILE_BYTES = 100_000_000
FILES = 10
QUIET = ("urllib3", "requests", "pybit", "websockets", "asyncio", "aiosqlite", "sqlalchemy", "alembic")
"""Libraries that tell keys, signatures or too much below WARNING."""

_WAITING_LINES = 10_000
_SECRET_WORDS = ("secret", "api_key", "apikey", "api-key", "signature", "bapi-sign", "password")
_HIDDEN = "(hidden)"
_LONGEST_TEXT = 3_000
"""Characters of one value; of a longer one, such as a trace or a foreign answer, the two ends are kept."""


class Logging:
    """The running log. ``close`` writes what is waiting and takes the handlers off again."""

    def __init__(self, handler: _QueueHandler, targets: list[logging.Handler]) -> None:
        self._handler = handler
        self._targets = targets
        self._listener: QueueListener | None = QueueListener(handler.queue, *targets)
        self._listener.start()

    @property
    def lost(self) -> int:
        """Lines that are missing because the disk was full or could not keep up."""
        return self._handler.lost + sum(target.lost for target in self._targets if isinstance(target, _File))

    def close(self) -> None:
        """End the thread. Harmless when called again."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        logging.getLogger().removeHandler(self._handler)
        logging.captureWarnings(False)
        listener.stop()
        for target in self._targets:
            target.close()


def start_logging(path: Path | None, *, to_stderr: bool, level: int = logging.INFO) -> Logging:
    """Send everything the program logs to a file and, in the foreground, to stderr.

    Args:
        path: file of JSON lines, made 0600, rotated at ``FILE_BYTES``, ``FILES`` of them kept. None: no file.
        to_stderr: only for a process without a screen.
        level: lowest level that is written; libraries of ``QUIET`` stay at WARNING all the same.
    """
    targets: list[logging.Handler] = [] if path is None else [_File(path)]
    if to_stderr:
        targets.append(logging.StreamHandler(sys.stderr))
    handler = _QueueHandler(queue.Queue(_WAITING_LINES))
    handler.setFormatter(_json_formatter())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    return Logging(handler, targets)


class _QueueHandler(QueueHandler):
    """Renders a line in the thread that logs and hands the text over, without ever waiting."""

    lost = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            super().enqueue(record)
        except queue.Full:
            self.lost += 1


class _File(RotatingFileHandler):
    """A log file for this user alone; what cannot be written is counted, for there is no other place to tell it."""

    def __init__(self, path: Path) -> None:
        self.lost = 0
        super().__init__(path, maxBytes=FILE_BYTES, backupCount=FILES - 1, encoding="utf-8")

    def _open(self) -> TextIO:  # type: ignore[override]
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        return os.fdopen(handle, "a", encoding="utf-8")

    def close(self) -> None:
        try:
            super().close()
        except OSError:
            self.lost += 1

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        self.lost += 1


def _json_formatter() -> logging.Formatter:
    """Time, level, logger, text, what ``extra`` names, and the traceback without local variables."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _without_secrets,
            structlog.processors.JSONRenderer(default=str),
        ],
        use_get_message=True,
    )


def _without_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Hide values whose name says that they are secret."""
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: str, value: Any) -> Any:
    if any(word in name.lower() for word in _SECRET_WORDS):
        return _HIDDEN
    if isinstance(value, dict):
        return {str(inner): _shown(str(inner), part) for inner, part in value.items()}
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        half = _LONGEST_TEXT // 2
        return f"{value[:half]} ... {len(value) - 2 * half} more ... {value[-half:]}"
    return value
