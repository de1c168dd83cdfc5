"""Foreign text cannot act: not on the terminal, not on the log's reader, not on a spreadsheet, not on the markup."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import logging
import unicodedata
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.adapters.system.process import last_words
from cockpit.cli.csv_cells import cell
from cockpit.cli.narration import shown
from cockpit.config.logs import start_logging
from cockpit.domain.commands import ClosePosition
from cockpit.domain.text import MAX_COMBINING, safe
from cockpit.ui.lines import fit, padded, width_of
from cockpit.ui.safe import cells
from tests.security.conftest import Stage
from tests.support.hostile_text import ATTACKS, MARK, Heard, hostile_texts
from tests.support.link import attached
from tests.support.profile import wait_until
from tests.support.pty_terminal import PtyTerminal

FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
NASTY = (
    "\x1b\x9b\x90\x9c\x07\x00\x7f\u202e\u2066\u200b\u200d\ufeff\ufe0f\u180b\u034f\u3164\u2800"
    "\ud800\U000e0041\u0301\u0489e漢👩"
)
TEXTS = (
    st.text(alphabet=st.sampled_from(NASTY + "ab[]/=;"), max_size=60)
    | st.text(alphabet=st.characters(), max_size=60)
    | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))
    | st.sampled_from(ATTACKS)
)


# ------------------------------------------------------------------------------------------------- the sanitiser


@given(TEXTS, st.integers(0, 80))
@settings(max_examples=400, deadline=None)
def test_nothing_forbidden_survives_whatever_the_limit(text: str, limit: int) -> None:
    clean = safe(text, limit)
    assert len(clean) <= limit
    assert {unicodedata.category(each) for each in clean} & FORBIDDEN == set()
    assert set(clean) & set("\u3164\u115f\u1160\uffa0\u2800\u034f\ufe0f\u180b\U000e0101") == set()
    assert not any(each.isspace() and each != " " for each in clean)


@given(TEXTS, st.integers(1, 80))
@settings(max_examples=400, deadline=None)
def test_safe_twice_is_safe_once_whatever_the_limit(text: str, limit: int) -> None:
    assert safe(safe(text, limit), limit) == safe(text, limit)
    assert safe(safe(text, limit)) == safe(text, limit)


@given(TEXTS, st.integers(0, 60), st.sampled_from("<>^"))
@settings(max_examples=400, deadline=None)
def test_a_text_takes_exactly_the_cells_it_is_given(text: str, width: int, align: str) -> None:
    assert cells(fit(text, width, align)) == width
    line = padded(((safe(text), "text"), (safe(text[::-1]), "text")), width)
    assert width_of(line) == width


@given(st.text(alphabet="e\u0301\u0323\u0489\ufe0f\u20e3", max_size=60))
@settings(max_examples=200, deadline=None)
def test_marks_do_not_pile_up(text: str) -> None:
    run = 0
    for each in safe(text):
        run = run + 1 if unicodedata.category(each) in {"Mn", "Me"} else 0
        assert run <= MAX_COMBINING


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=100))
@settings(max_examples=100, deadline=None)
def test_plain_text_is_untouched(text: str) -> None:
    assert safe(text) == text


def test_every_code_point_is_judged() -> None:
    """All of Unicode, once: what comes out is printable or the replacement character."""
    for start in range(0, 0x110000, 256):
        clean = safe("".join(map(chr, range(start, start + 256))), 1024)
        assert clean.isprintable()


# --------------------------------------------------------------------------------------------------- the screen


@pytest.fixture(scope="module")
def plain_screen() -> Heard:
    return Heard(shown_by("plain"))


def shown_by(kind: str) -> bytes:
    terminal = PtyTerminal("tests.support.hostile_screen", ["40", kind], 120, 40)
    try:
        assert terminal.read_until(lambda: terminal.process.poll() is not None, 60)
        while terminal.read():
            pass
    finally:
        terminal.close()
    assert b"ended 'detached'" in terminal.output or b"ended detached" in terminal.output, terminal.output[-500:]
    return terminal.output


@pytest.mark.parametrize("kind", ["spoilt", "all"])
def test_screen_full_of_hostile_text_emits_only_what_a_peaceful_one_emits(kind: str, plain_screen: Heard) -> None:
    heard = Heard(shown_by(kind))
    assert heard.text.count(MARK) > 500
    assert heard.sequences <= plain_screen.sequences
    assert heard.controls <= plain_screen.controls
    assert heard.bad_characters == set()
    assert "[link=https" in heard.text or "[/]" in heard.text  # markup is shown, not obeyed


def test_a_peaceful_screen_sets_neither_title_nor_clipboard_nor_links(plain_screen: Heard) -> None:
    words = {sequence for sequence in plain_screen.sequences if sequence.startswith(("OSC", "ESC"))}
    assert words <= {"OSC 22"}  # the shape of the mouse pointer


def test_the_search_sees_every_attack() -> None:
    for attack in ATTACKS[:12]:
        heard = Heard(attack.encode("utf-8", "surrogatepass"))
        assert heard.sequences | heard.controls, attack
    assert Heard("a\u202eb".encode()).bad_characters == {"U+202E"}
    assert Heard("\u009b2J".encode()).controls == {"\x9b"}


# ------------------------------------------------------------------------------- through exchange, engine, commands


def order(number: int, text: str) -> str:
    """A push of an order that somebody else gave, every free text of it hostile."""
    row = {
        "symbol": "BTCUSDT", "orderId": f"{number}{text}", "side": "Buy", "orderStatus": "New", "orderType": "Limit",
        "qty": "0.001", "category": "linear", "orderLinkId": text, "cumExecQty": "0", "price": "50000",
        "cancelType": text, "rejectReason": text, "createType": text, "stopOrderType": "", "positionIdx": 0,
        "createdTime": "1795221820371", "updatedTime": "1795221820371",
    }  # fmt: skip
    return json.dumps({"topic": "order", "id": "1", "creationTime": 1795221820371, "data": [row]})


def refuse(stage: Stage, text: str) -> None:
    """The next order is refused in these words, whichever way it takes."""
    stage.control("fault/rest", route="/v5/order/create", ret_code=110007, ret_msg=text)
    stage.control("fault/trade", op="order.create", ret_code=110007, ret_msg=text)


async def close(stage: Stage) -> None:
    async with attached(stage.profile.socket) as client:
        await client.send(ClosePosition("ETHUSDT"), seen="close")


@pytest.fixture(scope="module")
def attacked(traded: Stage) -> Stage:
    """The stage after an exchange that puts hostile text into everything it says."""
    texts = [text.encode("utf-8", "replace").decode() for text in islice(hostile_texts(3), len(ATTACKS))]
    for number, text in enumerate(texts):
        traded.control("fault/socket", channel="private", raw=order(number, text[:200]))
    for text in ("[/]", "\x1b]52;c;QUFB\x07", "=1+1", "\u202eabc"):
        traded.control(
            "fault/socket", channel="private", raw=json.dumps({"op": text, "success": False, "ret_msg": text})
        )
    sell = {"symbol": "ETHUSDT", "side": "Sell", "orderType": "Market", "qty": "0.1"}
    traded.control("manual/order", **sell)
    wait_until(lambda: traded.profile.status()["positions"]["rows"], "the engine sees the position")
    refuse(traded, f"={MARK}\x1b]52;c;QUFB\x07\u202e\u200b[/]\r\n\x9b2J")
    asyncio.run(close(traded))
    wait_until(lambda: MARK.encode() in traded.cockpit("journal", "events"), "the journal tells the refusal")
    wait_until(lambda: not traded.control("account")["positions"], "the engine has tried again")
    traded.control("manual/order", **sell)
    refuse(traded, f"{MARK}\x1b[2J\u2066")
    flattened = traded.process("flatten", "--yes")
    assert flattened.returncode == 0, flattened.stderr
    return traded


COMMANDS = [["status"], ["status", "--json"], ["journal", "events"], ["journal", "events", "--json"],
            ["journal", "events", "--csv"], ["journal", "trades", "--csv"], ["journal", "stats"]]  # fmt: skip


def test_commands_say_nothing_that_a_terminal_obeys(attacked: Stage) -> None:
    told = {" ".join(command): attacked.cockpit(*command) for command in COMMANDS}
    told |= {"flatten": attacked.said["process flatten --yes"]}
    for name, content in told.items():
        heard = Heard(content)
        assert heard.sequences == set(), name
        assert heard.controls <= {"\n"}, name
        assert heard.bad_characters == set(), name
    for name in ("flatten", "journal events", "journal events --json", "journal events --csv"):
        assert MARK.encode() in told[name], name
    for line in (line for name in told if name.endswith("--json") for line in told[name].splitlines()):
        if line.startswith(b"{"):
            assert line.isascii()
            json.loads(line)


def test_engine_went_on_and_its_log_holds_one_ascii_object_a_line(attacked: Stage) -> None:
    assert attacked.engine.poll() is None
    for path in (attacked.profile.folder / "sim" / "logs").glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            assert line.isascii()
            json.loads(line)


def test_what_the_engine_says_in_the_foreground_obeys_nobody(attacked: Stage) -> None:
    heard = Heard((attacked.profile.folder / "headless.out").read_bytes())
    assert heard.sequences == set()
    assert heard.controls <= {"\n"}
    assert heard.bad_characters == set()


def test_f113_screen_of_an_attacked_engine_emits_only_what_a_peaceful_one_emits(
    attacked: Stage, plain_screen: Heard
) -> None:
    terminal = attacked.terminal("cockpit", "attach", "--data-dir", str(attacked.profile.folder))
    assert terminal.read_until(lambda: b"BTCUSDT" in terminal.output, 45)
    for key in (b"\t", b"\t", b"\t", b"\t", b"?", b"\x1b"):
        terminal.send(key)
        terminal.read_until(lambda: False, 0.4)
    heard = Heard(terminal.output, is_cut=True)
    assert heard.sequences <= plain_screen.sequences
    assert heard.controls <= plain_screen.controls | {"\a"}  # the bell of a new signal
    assert heard.bad_characters == set()


# ---------------------------------------------------------------------------------------------- logs, cells, words


def hostile() -> Iterator[str]:
    return (text.encode("utf-8", "replace").decode() for text in islice(hostile_texts(4), 200))


def test_a_line_of_the_log_is_one_line_of_ascii(tmp_path: Path) -> None:
    log = start_logging(tmp_path / "log.jsonl", to_stderr=False)
    logger = logging.getLogger("cockpit.test")
    for text in hostile():
        logger.error("%s", text, extra={"order_id": text})
        try:
            raise ValueError(text)
        except ValueError:
            logger.exception("failed")
    log.close()
    lines = (tmp_path / "log.jsonl").read_bytes().splitlines()
    assert len(lines) == 400
    for line in lines:
        assert line.isascii()
        assert line.decode().isprintable()
        json.loads(line)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\t=", "\r=", "\x00="])
def test_a_cell_is_never_a_formula(start: str) -> None:
    quoted = cell(f"{start}1+1")
    assert quoted.startswith(("'", "\N{REPLACEMENT CHARACTER}"))


@pytest.mark.parametrize("number", ["-0.5", "+1", "-1e-7", "12", "-3", -0.5, 7, None, True])
def test_a_number_stays_a_number(number: object) -> None:
    assert cell(number) == number


def test_a_table_of_hostile_cells_has_its_rows_and_columns() -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for text in hostile():
        writer.writerow([cell(text), cell({"a": text}), cell(1)])
    assert Heard(out.getvalue().encode()).sequences == set()
    rows = list(csv.reader(io.StringIO(out.getvalue())))
    assert len(rows) == 200
    assert {len(row) for row in rows} == {3}
    assert [row for row in rows if row[0].startswith(tuple("=+-@\t\r"))] == []


def test_narration_and_last_words_keep_their_lines_and_nothing_else() -> None:
    for text in hostile():
        words = Heard(shown(f"first {text}\nlast").encode())
        assert words.sequences | words.bad_characters == set()
        assert words.controls == {"\n"}
        try:
            raise RuntimeError(text)
        except RuntimeError as error:
            trace = Heard(last_words(error).encode())
        assert trace.sequences | trace.bad_characters == set()
        assert trace.controls == {"\n"}
