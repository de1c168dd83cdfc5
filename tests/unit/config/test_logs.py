"""The log as it stands in the file: one JSON object a line, no secrets, never on a screen."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cockpit.config import logs
from cockpit.config.logs import Logging, start_logging

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def levels() -> Iterator[None]:
    before = {name: logging.getLogger(name).level for name in ("", *logs.QUIET)}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Logging]:
    running = start_logging(tmp_path / "engine.jsonl", to_stderr=False)
    yield running
    running.close()


def lines(log: Logging, tmp_path: Path) -> list[dict[str, Any]]:
    log.close()
    return [json.loads(line) for line in (tmp_path / "engine.jsonl").read_text().split("\n")[:-1]]


def test_a_line_about_money_carries_its_ids(log: Logging, tmp_path: Path) -> None:
    ids = {"signal_id": "s1", "order_id": "cs1-s1-e1", "position_id": "BTCUSDT"}
    logging.getLogger("cockpit.money").info("entry sent: %s lots", 7, extra=ids | {"price": Decimal("1.50")})
    (line,) = lines(log, tmp_path)
    assert line.items() >= ids.items()
    assert (line["event"], line["level"], line["logger"]) == ("entry sent: 7 lots", "info", "cockpit.money")
    assert line["price"] == "1.50"
    assert line["timestamp"].endswith("Z")


def test_one_event_is_one_line_whatever_it_holds(log: Logging, tmp_path: Path) -> None:
    logging.getLogger("x").warning("a\nb\r\x1b[2J\u2028c\x00 %s", "кириллица")
    (line,) = lines(log, tmp_path)
    assert line["event"] == "a\nb\r\x1b[2J\u2028c\x00 кириллица"
    assert b"\x1b" not in (tmp_path / "engine.jsonl").read_bytes()


def test_an_exception_is_told_without_local_variables(log: Logging, tmp_path: Path) -> None:
    try:
        canary = "CANARY" + "SECRET"
        raise ValueError(f"no {len(canary)}")
    except ValueError:
        logging.getLogger("x").exception("failed")
    (line,) = lines(log, tmp_path)
    assert "ValueError: no 12" in line["exception"]
    assert "CANARYSECRET" not in line["exception"]


def test_a_text_without_end_keeps_its_two_ends(log: Logging, tmp_path: Path) -> None:
    logging.getLogger("x").info("first %s last", "y" * 1_000_000)
    (line,) = lines(log, tmp_path)
    assert line["event"].startswith("first y")
    assert line["event"].endswith("y last")
    assert len(line["event"]) < 4_096


@pytest.mark.parametrize("name", ["api_key", "api_secret", "apiKey", "X-BAPI-SIGN", "X-BAPI-API-KEY", "signature"])
def test_values_with_a_secret_name_are_hidden(log: Logging, tmp_path: Path, name: str) -> None:
    logging.getLogger("x").info("sent", extra={name: "CANARY", "headers": {name: "CANARY", "b": 1}})
    (line,) = lines(log, tmp_path)
    assert "CANARY" not in json.dumps(line)
    assert line["headers"]["b"] == 1


def test_libraries_that_tell_too_much_are_kept_quiet_even_when_debugging(tmp_path: Path) -> None:
    log = start_logging(tmp_path / "engine.jsonl", to_stderr=False, level=logging.DEBUG)
    for name in ("urllib3.connectionpool", "pybit.unified_trading", "websockets.client"):
        logging.getLogger(name).debug("key=CANARY")
    logging.getLogger("cockpit").debug("own")
    assert [line["event"] for line in lines(log, tmp_path)] == ["own"]


def test_the_file_is_for_the_owner_alone_and_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 2_000)
    monkeypatch.setattr(logs, "FILES", 3)
    before = os.umask(0)
    try:
        log = start_logging(tmp_path / "engine.jsonl", to_stderr=False)
        for number in range(100):
            logging.getLogger("x").info("line %s", number)
        log.close()
    finally:
        os.umask(before)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["engine.jsonl", "engine.jsonl.1", "engine.jsonl.2"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_closing_twice_is_harmless_and_later_lines_go_nowhere(log: Logging, tmp_path: Path) -> None:
    log.close()
    log.close()
    logging.getLogger("x").warning("late")
    assert lines(log, tmp_path) == []


FULL = """
import logging, resource, signal, sys
from pathlib import Path
from cockpit.config.logs import start_logging
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
log = start_logging(Path(sys.argv[1]), to_stderr=sys.argv[2] == "stderr")
for number in range(100):
    logging.getLogger("x").info("line %s", number)
log.close()
print(log.lost)
"""


@pytest.mark.parametrize("where", ["file", "stderr"])
def test_a_full_disk_is_counted_and_nothing_is_printed_over_a_screen(tmp_path: Path, where: str) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "x.jsonl"), where]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    assert int(done.stdout) > 0
    told = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert told == ([f"line {number}" for number in range(100)] if where == "stderr" else [])
