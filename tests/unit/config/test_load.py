"""Settings out of flags, variables, file and preset: precedence, sources, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cockpit.config.keys import LEAVES
from cockpit.config.load import default_config_path, load_settings
from cockpit.config.model import Settings, simex_config
from cockpit.config.presets import PRESETS
from cockpit.domain.enums import Approval, Environment, SignalKind
from cockpit.domain.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def problems(file: Path | None = None, flags: dict[str, Any] | None = None, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(file, flags or {}, environ)
    return str(caught.value).split("\n")


def written(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o600)
    return file


def test_without_any_source_everything_is_default() -> None:
    loaded = load_settings(None, {}, {})
    assert loaded.settings == Settings()
    assert set(loaded.sources) == set(LEAVES)
    assert set(loaded.sources.values()) == {"default", "preset plotnost"}
    assert loaded.warnings == []


def test_the_default_environment_is_the_simulation_and_the_operator_approves() -> None:
    settings = load_settings(None, {}, {}).settings
    assert settings.venue.environment is Environment.SIM
    assert settings.venue.market == "synthetic"
    assert settings.engine.approval is Approval.MANUAL


def test_flag_wins_over_variable_over_file_over_preset_over_default(file: Path) -> None:
    written(file, "[execution]\ntaker_fee_rate = 0.002\n[venue]\nspeed = 3\nseed = 7\n")
    flags = {"venue.speed": 5.0, "preset.name": "micro"}
    loaded = load_settings(file, flags, {"COCKPIT_VENUE__SPEED": "4", "COCKPIT_VENUE__SEED": "8"})
    settings, sources = loaded.settings, loaded.sources
    assert (settings.venue.speed, sources["venue.speed"]) == (5.0, "flag --speed")
    assert (settings.venue.seed, sources["venue.seed"]) == (8, "env COCKPIT_VENUE__SEED")
    assert (settings.execution.taker_fee_rate, sources["execution.taker_fee_rate"]) == (0.002, f"{file}:2")
    assert sources["execution.exits.time_stop_bounce_s"] == "preset micro"
    assert settings.execution.exits.take_profit_r == 1.67
    assert sources["execution.order_ttl_s"] == "default"
    assert sources["preset.name"] == "flag --preset"


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert load_settings(None, {"venue.speed": None}, {}).sources["venue.speed"] == "default"


def test_variables_reach_nested_keys_and_lists() -> None:
    environ = {
        "COCKPIT_DETECTORS__DENSITY__ABS_USD": "75000",
        "COCKPIT_VENUE__SYMBOLS": "BTCUSDT, 1000PEPEUSDT",
        "COCKPIT_ENGINE__APPROVAL_BY_KIND": '{ bounce = "observe" }',
        "COCKPIT_UI__MOUSE": "true",
        "COCKPIT_UI__THEME": "123",
        "HOME": "/nowhere",
    }
    settings = load_settings(None, {}, environ).settings
    assert settings.detectors.density.abs_usd == 75_000.0
    assert settings.venue.symbols == ("BTCUSDT", "1000PEPEUSDT")
    assert settings.engine.approval_by_kind == {SignalKind.BOUNCE: Approval.OBSERVE}
    assert settings.ui.mouse is True
    assert settings.ui.theme == "123"


def test_all_problems_are_told_at_once_each_with_its_line(file: Path) -> None:
    written(
        file,
        """\
[risk]
risk_pct = "1,5"
leverag = 5
max_positions = -1
max_exposure_pct = nan
[signals]
breakout = { min_eaten = -0.1 }
[detectors.density]
criteria = [
  "abs_usd",
  "volume",
]
neighbours_x = inf
abs_usd = true
""",
    )
    told = "\n".join(problems(file, COCKPIT_RISC__MAX_POS="1"))
    assert "env COCKPIT_RISC__MAX_POS: unknown variable (did you mean COCKPIT_RISK__MAX_POSITIONS?)" in told
    assert f"{file}:2: risk.risk_pct: " in told
    assert "without quotes and with a point" in told
    assert f"{file}:3: risk.leverag: unknown key (did you mean risk.leverage?)" in told
    assert f"{file}:4: risk.max_positions: " in told
    assert f"{file}:5: risk.max_exposure_pct: must be a finite number" in told
    assert f"{file}:7: signals.breakout.min_eaten: " in told
    assert f"{file}:9: detectors.density.criteria.1: " in told
    assert f"{file}:13: detectors.density.neighbours_x: must be a finite number" in told
    assert f"{file}:14: detectors.density.abs_usd: " in told
    assert len(told.split("\n")) == 9


@pytest.mark.parametrize(
    "line",
    [
        'risk_pct = "0.1"',
        "risk_pct = true",
        "risk_pct = 1979-05-27",
        "leverage = 10.0",
        "leverage = [10]",
        "risk_pct = 0",
        "risk_pct = 101",
        "size_mode = 'all_in'",
        "leverage = {}",
    ],
)
def test_a_value_of_the_wrong_kind_or_out_of_bounds_is_refused(file: Path, line: str) -> None:
    (told,) = problems(written(file, f"[risk]\n{line}\n"))
    assert told.startswith(f"{file}:2: risk.{line.split()[0]}: ")


def test_f106_a_collar_a_hundred_times_too_wide_is_refused(file: Path) -> None:
    (told,) = problems(written(file, "[execution]\nentry_collar_bps = 500\n"))
    assert told.startswith(f"{file}:2: execution.entry_collar_bps: ")
    assert "50" in told


def test_a_key_in_the_wrong_section_is_pointed_to_the_right_one(file: Path) -> None:
    (told,) = problems(written(file, "[risk]\nstop_min_pct = 0.2\n"))
    assert told == f"{file}:2: risk.stop_min_pct: unknown key (did you mean signals.breakout.stop_min_pct?)"


def test_a_value_in_place_of_a_section_is_explained(file: Path) -> None:
    (told,) = problems(written(file, 'preset = "micro"\n'))
    assert told == f"{file}:1: preset: is a section; write its keys below [preset]"


def test_values_that_contradict_each_other_are_refused(file: Path) -> None:
    (told,) = problems(written(file, "[recorder]\n\nsegment_mb = 100\ncap_mb = 150\n"))
    assert told == f"{file}:3: recorder: cap_mb = 150 must hold at least two segments of 100 MB"


def test_a_file_that_was_named_must_exist(file: Path) -> None:
    (told,) = problems(file)
    assert told == f"{file}: cannot be read: No such file or directory"


@pytest.mark.parametrize("text", ["[risk\n", "a = 1\na = 2\n", "a = 1,5\n"])
def test_a_file_that_is_not_toml_is_refused_with_its_line(file: Path, text: str) -> None:
    (told,) = problems(written(file, text))
    assert told.startswith(f"{file}: is not TOML: ")
    assert "line" in told


def test_a_decimal_comma_is_shown_with_its_line_and_the_point_it_should_be(file: Path) -> None:
    (told,) = problems(written(file, "[risk]\nrisk_pct = 0,15  # of the equity\n"))
    assert "at line 2" in told
    assert told.endswith(": risk_pct = 0,15  # of the equity (a decimal point, not a comma: 0.15)")
    (told,) = problems(written(file, "[risk]\nrisk_pct 0.15\n"))
    assert told.endswith(": risk_pct 0.15")


def test_a_symbol_that_is_none_is_named_once_and_a_list_without_any_is_refused(file: Path) -> None:
    told = problems(written(file, '[venue]\nsymbols = ["BTCUSD"]\n'))
    assert told == [f"{file}:2: venue.symbols: BTCUSD is no USDT perpetual, as BTCUSDT is"]
    (told,) = problems(written(file, "[venue]\nsymbols = []\n"))
    assert "at least 1 item" in told
    (told,) = problems(COCKPIT_VENUE__SYMBOLS="BTCUSDT,ethusd")
    assert told == "env COCKPIT_VENUE__SYMBOLS: venue.symbols: ethusd is no USDT perpetual, as BTCUSDT is"


def test_a_file_in_another_encoding_is_refused(file: Path) -> None:
    file.write_bytes("# комментарий".encode("cp1251"))
    assert "is not TOML" in problems(file)[0]


def test_an_unknown_preset_is_refused_with_the_list() -> None:
    (told,) = problems(COCKPIT_PRESET__NAME="plotnots")
    assert told.startswith(
        "env COCKPIT_PRESET__NAME: preset.name: there is no preset 'plotnots'; presets are plotnost, "
    )


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid_and_leaves_safety_as_it_is(name: str) -> None:
    settings = load_settings(None, {"preset.name": name}, {}).settings
    plain = Settings()
    assert settings.risk.size_mode == "risk_pct"
    assert settings.risk.risk_pct == 0.10
    assert (settings.venue, settings.engine) == (plain.venue, plain.engine)


def test_the_default_preset_is_the_same_as_no_preset() -> None:
    assert load_settings(None, {"preset.name": "plotnost"}, {}).settings == Settings()


def test_presets_hold_the_numbers_of_their_documents() -> None:
    breakout = load_settings(None, {"preset.name": "high_percent_breakout"}, {}).settings
    strict = load_settings(None, {"preset.name": "high_percent_strict"}, {}).settings
    assert (breakout.detectors.density.k_density, breakout.detectors.density.bucket_ticks) == (2.5, 10)
    assert (strict.detectors.density.k_density, strict.detectors.density.bucket_ticks) == (7.0, 3)
    assert breakout.detectors.density.criteria == strict.detectors.density.criteria == ("median_bucket",)
    assert breakout.execution.exits.time_stop_breakout_s == 240 * 60
    assert strict.execution.exits.time_stop_breakout_s == 180 * 60
    assert (breakout.detectors.activity.drop_threshold, strict.detectors.activity.drop_threshold) == (0.3, 0.4)


def test_f106_ten_instead_of_a_tenth_of_a_percent_is_warned_of(file: Path) -> None:
    loaded = load_settings(written(file, "[risk]\nrisk_pct = 10\n"), {}, {})
    (warning,) = loaded.warnings
    assert warning.startswith(f"{file}:2: risk.risk_pct = 10.0: each trade may lose 10.0 %")


def test_a_file_that_others_may_change_is_warned_of(file: Path) -> None:
    written(file, "").chmod(0o666)
    assert "other users may change this file" in load_settings(file, {}, {}).warnings[0]


def test_action_keys_are_taken_as_they_are(file: Path) -> None:
    loaded = load_settings(written(file, '[keys]\nsignal.approve = ["a", "enter"]\n'), {}, {})
    assert loaded.settings.keys.bindings == {"signal.approve": ("a", "enter")}
    assert loaded.sources["keys"] == f"{file}:1"


def test_the_users_file_is_found_where_the_desktop_keeps_it(tmp_path: Path) -> None:
    assert default_config_path({}) is None
    assert default_config_path({"HOME": str(tmp_path)}) is None
    (tmp_path / ".config" / "cockpit").mkdir(parents=True)
    path = tmp_path / ".config" / "cockpit" / "config.toml"
    path.touch()
    assert default_config_path({"HOME": str(tmp_path)}) == path
    assert default_config_path({"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "x")}) is None


def test_the_simulated_exchange_gets_its_market_from_the_venue_section() -> None:
    settings = load_settings(None, {"venue.market": "recording:a.jsonl", "venue.seed": 5}, {}).settings
    config = simex_config(settings, port=4)
    assert (config.market, config.seed, config.port, config.default_leverage) == ("recording:a.jsonl", 5, 4, 10)
