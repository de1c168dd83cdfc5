"""Which keys and accounts may trade, by what the exchange itself says of them. simex is the exchange."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.venue import BybitVenue
from cockpit.adapters.system.clock import LiveClock
from cockpit.cli import accounts
from cockpit.cli.live_check import Verdict, judge_start, names_account
from cockpit.cli.main import exit_code
from cockpit.config.model import VenueConfig
from cockpit.config.profile import Profile
from cockpit.domain.account import AccountInfo
from cockpit.domain.enums import Environment
from cockpit.domain.errors import SafetyRefusal, VenueThrottled
from tests.support.simex_process import SimexProcess, simex_process

LIVE, DEMO, TESTNET = Environment.LIVE, Environment.DEMO, Environment.TESTNET
TRADES = ["Order", "Position"]
WATCHED = ("BTCUSDT", "ETHUSDT")
GOOD: dict[str, Any] = {
    "readOnly": 0,
    "permissions": {"ContractTrade": TRADES, "Derivatives": ["DerivativesTrade"], "Wallet": [], "FiatP2P": []},
    "ips": ["203.0.113.7"],
    "deadlineDay": -2,
    "userID": 51234567,
    "isMaster": False,
}


def rights(**groups: list[str]) -> dict[str, Any]:
    return {"permissions": {"ContractTrade": TRADES, **groups}}


@pytest.fixture(scope="module")
def simex() -> Iterator[SimexProcess]:
    with simex_process("--symbols", "BTCUSDT,ETHUSDT") as process:
        yield process


def venue_config(simex: SimexProcess) -> VenueConfig:
    ready = simex.ready
    return VenueConfig(
        rest_url=ready["rest"], public_url=ready["public"], private_url=ready["private"], symbols=("BTCUSDT", "ETHUSDT")
    )


def key_of(simex: SimexProcess) -> SecretKey:
    return SecretKey(simex.ready["api_key"], simex.ready["api_secret"])


async def answer(simex: SimexProcess, **changes: Any) -> tuple[AccountInfo, list[str]]:
    """What the exchange says of a key that differs from a good one by ``changes``; it answers ten times a second."""
    await simex.control("key", **(GOOD | changes))
    venue = BybitVenue(venue_config(simex), key_of(simex), LiveClock(), Random(1))
    try:
        while True:
            try:
                return await venue.account(), await venue.hedged(WATCHED)
            except VenueThrottled:
                await asyncio.sleep(0.1)
    finally:
        await venue.aclose()


async def verdict(simex: SimexProcess, environment: Environment, **changes: Any) -> Verdict:
    return judge_start(environment, *await answer(simex, **changes), WATCHED)


@pytest.fixture(scope="module")
def good(simex: SimexProcess) -> AccountInfo:
    return asyncio.run(answer(simex))[0]


@pytest.mark.parametrize("environment", [LIVE, DEMO, TESTNET])
async def test_key_that_only_trades_and_is_bound_is_welcome_without_a_word(
    simex: SimexProcess, environment: Environment
) -> None:
    assert await verdict(simex, environment) == Verdict((), ())


HARMFUL = {
    "withdraws": (rights(Wallet=["Withdraw"]), "move money away (Wallet.Withdraw)"),
    "transfers": (rights(Wallet=["AccountTransfer"]), "move money away (Wallet.AccountTransfer)"),
    "transfers to sub-accounts": (rights(Wallet=["SubMemberTransfer"]), "move money away (Wallet.SubMemberTransfer)"),
    "is an affiliate's": (rights(Affiliate=["Affiliate"]), "move money away"),
    "sells for cash": (rights(FiatP2P=["FiatP2POrder"]), "move money away"),
    "pays": (rights(FiatBitPay=["FaitPayOrder"]), "move money away"),
    "locks money up": (rights(Earn=["Earn"]), "move money away"),
    "has a right of an unknown group": (rights(Teleport=["Anywhere"]), "does not know (Teleport.Anywhere)"),
    "has an unknown right of a known group": (rights(Spot=["SpotTrade", "Gift"]), "does not know (Spot.Gift)"),
    "trades in an unknown way": (
        {"permissions": {"ContractTrade": [*TRADES, "Settle"]}},
        "does not know (ContractTrade.Settle)",
    ),
    "may be used from everywhere": ({"ips": ["*"]}, "bound to no address"),
    "has no addresses": ({"ips": []}, "bound to no address"),
    "has null addresses": ({"ips": None}, "bound to no address"),
    "has a star among its addresses": ({"ips": ["203.0.113.7", "*"]}, "bound to no address"),
    "is bound to half the internet": ({"ips": ["128.0.0.0/1"]}, "bound to no address"),
    "is bound to the unspecified address": ({"ips": ["0.0.0.0"]}, "bound to no address"),
    "is bound to words": ({"ips": ["everywhere"]}, "bound to no address"),
}
"""What a thief could do with the key beyond trading, or from where."""

UNFIT = {
    "only reads": ({"readOnly": 1}, "may only read"),
    "reads in a way nobody knows": ({"readOnly": 7}, "may only read"),
    "places no orders": ({"permissions": {"ContractTrade": ["Position"]}}, "lacks ContractTrade.Order"),
    "sets no stops": ({"permissions": {"ContractTrade": ["Order"]}}, "lacks ContractTrade.Position"),
    "may nothing": ({"permissions": {}}, "lacks ContractTrade.Order, ContractTrade.Position"),
    "has null rights": ({"permissions": {"ContractTrade": None}}, "lacks ContractTrade.Order"),
    "trades something else": ({"permissions": {"Spot": ["SpotTrade"]}}, "lacks ContractTrade.Order"),
}
"""Why the engine cannot work with the key."""


@pytest.mark.parametrize("key", HARMFUL)
async def test_f023_key_that_could_do_harm_is_refused_with_real_money_and_warned_about_elsewhere(
    simex: SimexProcess, key: str
) -> None:
    changes, words = HARMFUL[key]
    account, hedged = await answer(simex, **changes)
    live = judge_start(LIVE, account, hedged, WATCHED)
    assert [refusal for refusal in live.refusals if words in refusal] != []
    for environment in (DEMO, TESTNET):
        judged = judge_start(environment, account, hedged, WATCHED)
        assert judged.refusals == ()
        assert [warning for warning in judged.warnings if words in warning] != []


@pytest.mark.parametrize("key", UNFIT)
async def test_key_that_cannot_trade_is_refused_everywhere(simex: SimexProcess, key: str) -> None:
    changes, words = UNFIT[key]
    account, hedged = await answer(simex, **changes)
    for environment in (LIVE, DEMO, TESTNET):
        judged = judge_start(environment, account, hedged, WATCHED)
        assert [refusal for refusal in judged.refusals if words in refusal] != []


async def test_every_reason_is_named_at_once(simex: SimexProcess) -> None:
    judged = await verdict(simex, LIVE, readOnly=1, ips=["*"], permissions={"Wallet": ["Withdraw"], "New": ["X"]})
    assert len(judged.refusals) == 5


async def test_rights_that_are_not_needed_and_main_accounts_are_told(simex: SimexProcess) -> None:
    judged = await verdict(simex, LIVE, isMaster=True, **rights(Spot=["SpotTrade"], Options=["OptionsTrade"]))
    assert judged.refusals == ()
    assert "Options.OptionsTrade, Spot.SpotTrade" in judged.warnings[0]
    assert "main account" in judged.warnings[1]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (None, ""), (15, ""), (14, "expires in 14 days"), (8, "expires in 8 days"),
        (7, "renew it this week"), (2, "renew it this week"), (1, "in 1 day: then nothing but the stops"),
        (0, "expires today: then nothing but the stops"),
    ],
)  # fmt: skip
async def test_end_of_a_key_is_told_in_time(good: AccountInfo, days: int | None, words: str) -> None:
    judged = judge_start(LIVE, msgspec.structs.replace(good, days_to_expiry=days), [], WATCHED)
    assert judged.refusals == ()
    assert (words in judged.warnings[0]) if words else judged.warnings == ()


async def test_end_of_a_key_is_the_exchanges_own(simex: SimexProcess) -> None:
    assert "in 7 days" in (await verdict(simex, LIVE, deadlineDay=7)).warnings[0]


@pytest.mark.parametrize("mode", ["REGULAR_MARGIN", "PORTFOLIO_MARGIN", "", "NEW_MARGIN"])
def test_account_in_another_margin_mode_is_refused_everywhere(good: AccountInfo, mode: str) -> None:
    other = msgspec.structs.replace(good, margin_mode=mode)
    for environment in (LIVE, DEMO, TESTNET):
        assert "set isolated margin" in judge_start(environment, other, [], WATCHED).refusals[0]


async def test_margin_mode_is_the_exchanges_own(simex: SimexProcess) -> None:
    venue = BybitVenue(venue_config(simex), key_of(simex), LiveClock(), Random(1))
    try:
        await venue.rest.change(lambda client: client.set_margin_mode(setMarginMode="REGULAR_MARGIN"))
        assert "REGULAR_MARGIN" in (await verdict(simex, LIVE)).refusals[0]
    finally:
        await venue.rest.change(lambda client: client.set_margin_mode(setMarginMode="ISOLATED_MARGIN"))
        await venue.aclose()


async def test_hedge_mode_of_a_single_symbol_is_warned_about_and_named(simex: SimexProcess) -> None:
    def row(index: int) -> dict[str, Any]:
        return {"symbol": "ETHUSDT", "side": "", "size": "0", "positionIdx": index}

    body = {"retCode": 0, "retMsg": "OK", "result": {"list": [row(1), row(2)], "nextPageCursor": ""}, "time": 1}
    text = msgspec.json.encode(body).decode()
    await simex.control("fault/rest", route="/v5/position/list", symbol="ETHUSDT", body=text)
    judged = await verdict(simex, LIVE)
    told = "ETHUSDT in hedge mode, the engine trades one-way mode alone: set one-way mode at the exchange"
    assert judged == Verdict((), (told,))


def test_account_whose_symbols_are_all_in_hedge_mode_is_refused_everywhere(good: AccountInfo) -> None:
    for environment in (LIVE, DEMO, TESTNET):
        assert "BTCUSDT, ETHUSDT in hedge mode" in judge_start(environment, good, WATCHED, WATCHED).refusals[0]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (33004, "the key has expired"),
        (10003, "does not know this key; is it one of this environment?"),
        (10010, "bound to other addresses"),
        (10005, "lacks a right"),
        (10009, "the key is refused"),
    ],
)
def test_key_that_the_exchange_refuses_is_refused_in_words(simex: SimexProcess, code: int, words: str) -> None:
    asyncio.run(simex.control("fault/rest", route="/v5/user/query-api", ret_code=code, ret_msg="from 198.51.100.1"))
    with pytest.raises(SafetyRefusal, match=words) as caught:
        accounts.checked_account(venue_config(simex), key_of(simex))
    assert "from 198.51.100.1" in str(caught.value)


def test_f115_key_of_another_environment_is_refused(simex: SimexProcess) -> None:
    with pytest.raises(SafetyRefusal, match="is it one of this environment"):
        accounts.checked_account(venue_config(simex), SecretKey("demo-key", "demo-secret"))


def test_refused_account_stops_the_start(simex: SimexProcess, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(simex.control("key", **(GOOD | {"readOnly": 1, "ips": ["*"]})))
    with pytest.raises(SafetyRefusal, match=r"trading sim is refused: the key may only read"):
        accounts.checked_account(venue_config(simex), key_of(simex))
    assert "warning: the key is bound to no address" in capsys.readouterr().err


def test_start_waits_for_its_turn_when_the_exchange_counts_too_many_requests(simex: SimexProcess) -> None:
    asyncio.run(simex.control("key", **GOOD))
    asyncio.run(simex.control("fault/rest", route="/v5/user/query-api", ret_code=10006, count=2))
    assert accounts.checked_account(venue_config(simex), key_of(simex)).can_trade


# ------------------------------------------------------------------------------------------- the account is named


ACCOUNT = AccountInfo(uid="51234567", margin_mode="ISOLATED_MARGIN", can_trade=True, can_withdraw=False, ips=())


@pytest.mark.parametrize("named", ["4567", "234567", "51234567"])
def test_account_is_named_by_its_last_digits(named: str) -> None:
    assert names_account(ACCOUNT.uid, named)
    assert accounts.confirm_account(ACCOUNT, named) == "4567"


@pytest.mark.parametrize("named", ["567", "7654", "5123", "4568", "451234567", " 4567", "x"])
def test_another_account_is_refused(named: str) -> None:
    with pytest.raises(SafetyRefusal, match="not the account of this key"):
        accounts.confirm_account(ACCOUNT, named)


@pytest.mark.parametrize("named", [None, ""])
def test_without_a_terminal_the_account_must_be_named_beforehand(
    named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SafetyRefusal, match=r"\[venue\] account_suffix"):
        accounts.confirm_account(ACCOUNT, named)


def test_account_without_a_number_is_nobodys() -> None:
    assert not names_account("", "")
    assert not names_account("12", "")
    assert names_account("12", "12")


def test_journal_stays_with_the_account_that_it_began_with(tmp_path: Path) -> None:
    profile = Profile(DEMO, tmp_path, tmp_path / "run")
    profile.create()
    accounts.bind_account(profile, ACCOUNT)
    accounts.bind_account(profile, ACCOUNT)
    with pytest.raises(SafetyRefusal, match="--data-dir"):
        accounts.bind_account(profile, msgspec.structs.replace(ACCOUNT, uid="99"))
    mark = profile.folder / "account"
    assert mark.stat().st_mode & 0o777 == 0o600
    assert ACCOUNT.uid not in mark.read_text()


# -------------------------------------------------------------------------------------- real money is said twice


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--env", "live"], 3, "needs --live"),
        (["--live"], 2, "--live needs --env live"),
        (["--live", "--env", "demo"], 2, "--live needs --env live"),
        (["--auto", "--live"], 2, "--live needs --env live"),
        (["--env", "live", "--live"], 2, "there is no API key for live"),
    ],
)
def test_f115_real_money_needs_flag_environment_and_key(
    arguments: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert exit_code(["run", "--headless", *arguments, "--data-dir", str(tmp_path / "data")]) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        ('{"api_key": "CANARYKEY", "api_secret": "CANARYSEC"}', 0o644, "is open to other users: run chmod 600"),
        ('{"api_key": "CANARYKEY"}', 0o600, "key-demo.json: is not"),
        ("", 0o600, "key-demo.json: is not"),
        (None, 0, "there is no API key for demo"),
    ],
)
def test_doctor_says_what_is_wrong_with_a_key_file_without_quoting_it(
    content: str | None,
    mode: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    if content is not None:
        path = tmp_path / "cockpit" / "key-demo.json"
        path.parent.mkdir()
        path.write_text(content)
        path.chmod(mode)
    assert exit_code(["doctor", "--env", "demo", "--data-dir", str(tmp_path / "data")]) == 1
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if line.startswith("FAIL") and words in line] != []
    assert "CANARY" not in told
