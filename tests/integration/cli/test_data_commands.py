"""Commands that only read: configuration, recordings, levels of a recording."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.support.program import cockpit
from tests.support.recorded import recorded

BTC = "btcusdt-perp-2023/frames.jsonl.gz"


@pytest.mark.recorded
def test_replay_writes_features_walls_and_signals_the_same_each_time(tmp_path: Path) -> None:
    def run(name: str) -> tuple[str, dict[str, Path]]:
        files = {kind: tmp_path / f"{name}.{kind}" for kind in ("features", "walls", "signals")}
        options = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]
        done = cockpit("replay", str(recorded(BTC)), "--headless", "--speed", "max", "--every", "5s", *options)
        assert done.returncode == 0, done.stderr
        return next(line for line in done.stderr.splitlines() if line.startswith("digest ")), files

    (first, files), (second, again) = run("first"), run("second")
    assert first == second
    assert [path.read_bytes() for path in files.values()] == [path.read_bytes() for path in again.values()]

    with files["features"].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    stamps = [int(row["ts_ms"]) // 5000 for row in rows]
    assert stamps == sorted(set(stamps))
    assert {row["symbol"] for row in rows} == {"BTCUSDT"}
    walls = [json.loads(line) for line in files["walls"].read_text().splitlines()]
    assert {wall["kind"] for wall in walls} == {"new", "eaten", "pulled", "gone"}
    signals = [json.loads(line) for line in files["signals"].read_text().splitlines()]
    assert {"breakout"} <= {signal["kind"] for signal in signals}
    for line in walls + signals:
        assert {"ts_ms", "symbol", "kind"} <= line.keys()
        assert isinstance(line["ts_ms"], int)


@pytest.mark.recorded
def test_levels_of_a_recording_are_told_without_any_exchange() -> None:
    source = f"recording:{recorded(BTC)}"
    done = cockpit("diag", "levels", "--symbol", "BTCUSDT", "--market", source, "--minutes", "2", "--json")
    told = json.loads(done.stdout)
    assert told["symbol"] == "BTCUSDT"
    assert told["events"]["new"] > 100
    assert {"price", "side", "notional_usdt", "distance_percent"} <= told["walls"][0].keys()
    missing = cockpit("diag", "l2", "--symbol", "ETHUSDT", "--market", source)
    assert missing.returncode == 2
    assert "BTCUSDT" in missing.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--headless", "--speed", "0"], "--speed 0"),
        (["--headless", "--every", "soon"], "no span of time"),
        (["--bbo", "x.csv"], "need --headless"),
        (["--speed", "max"], "needs --headless"),
    ],
)
def test_replay_that_cannot_be_meant_exits_2(arguments: list[str], word: str) -> None:
    done = cockpit("replay", "frames.jsonl", *arguments)
    assert done.returncode == 2
    assert word in done.stderr


def test_configuration_is_shown_with_the_source_of_each_value(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[risk]\nrisk_pct = 0.2\n")
    done = cockpit("config", "show", "--json", "--config", str(file), COCKPIT_VENUE__SPEED="2")
    shown = json.loads(done.stdout)
    assert shown["risk.risk_pct"] == {"value": "0.2", "source": f"{file}:2"}
    assert shown["venue.speed"]["source"] == "env COCKPIT_VENUE__SPEED"
    assert shown["venue.environment"] == {"value": '"sim"', "source": "default"}


def test_every_problem_of_the_configuration_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[risk]\nrisk_ptc = 0.2\nleverage = "ten"\n')
    done = cockpit("config", "check", "--config", str(file))
    assert done.returncode == 2
    assert "did you mean risk.risk_pct" in done.stderr
    assert "risk.leverage" in done.stderr


@pytest.mark.parametrize("command", [["config", "check"], ["run"]], ids=" ".join)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[keys]\n"signal.aprove" = ["a"]', "no action 'signal.aprove' (did you mean signal.approve?)"),
        ('[keys]\nsignal.approve = ["d"]', "'d' stands for both signal.approve and signal.reject"),
        ('\n[ui]\ntheme = "drak"', "ui.theme: there is no theme 'drak' (did you mean dark?)"),
    ],
)
def test_keys_and_theme_are_checked_before_anything_is_started(
    tmp_path: Path, command: list[str], text: str, words: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    done = cockpit(*command, "--config", str(file), XDG_STATE_HOME=str(tmp_path / "state"))
    assert done.returncode == 2
    assert f"{file}:{1 if 'keys' in text else 3}: " in done.stderr
    assert words in done.stderr
    assert not (tmp_path / "state").exists()


def test_doctor_finds_a_key_map_and_a_theme_that_the_screen_would_refuse(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[ui]\ntheme = "drak"\n[keys]\nsignal.approve = ["d"]\n')
    done = cockpit("doctor", "--config", str(file), "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 1
    assert f"FAIL configuration  {file}:3: [keys] 'd' stands for both" in done.stdout
    assert f"{file}:2: ui.theme: there is no theme 'drak'" in done.stdout


def test_schema_of_the_configuration_is_json() -> None:
    assert "properties" in json.loads(cockpit("config", "schema").stdout)


def test_preset_of_an_earlier_bot_becomes_toml_that_checks(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text('{"density": {"k_density": 2.5, "bucket_ticks": 10}, "other": {"colour": "red"}}')
    toml = tmp_path / "new.toml"
    toml.write_text(cockpit("config", "import", str(old)).stdout)
    assert "k_density = 2.5" in toml.read_text()
    assert cockpit("config", "check", "--config", str(toml)).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["run", "--env", "live"], 3, "--live"),
        (["run", "--live"], 2, "--env live"),
        (["run", "--headless", "--env", "testnet"], 2, "no API key for testnet"),
        (["flatten", "--yes"], 1, "nothing to close"),
        (["flatten", "--yes", "--env", "testnet"], 2, "cockpit flatten --env testnet --data-dir /"),
        (["journal"], 1, "no journal"),
    ],
)
def test_refusals_name_the_way_out(tmp_path: Path, arguments: list[str], code: int, word: str) -> None:
    done = cockpit(*arguments, "--data-dir", str(tmp_path), HOME=str(tmp_path))
    assert (done.returncode, word in done.stderr) == (code, True), done.stderr


def test_automatic_approval_in_the_file_alone_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[engine]\napproval = "auto"\n')
    done = cockpit("run", "--headless", "--config", str(file), "--data-dir", str(tmp_path))
    assert done.returncode == 3
    assert "--auto" in done.stderr
