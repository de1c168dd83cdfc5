"""Texts that try to act on a terminal, a table or markup, and what of a terminal's output is beyond suspicion."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from random import Random

MARK = "H0ST"
"""Stands in every hostile text, so that a test can see that it arrived."""

ATTACKS = (
    "\x1b]52;c;QUFBQQ==\x07",  # write the clipboard
    "\x1b]0;owned\x07",  # set the title
    "\x1b]8;;https://evil.example\x1b\\",  # make a link
    "\x1b]11;?\x07",  # make the terminal answer
    "\x1b[2J\x1b[H",  # clear and go home
    "\x1b[?1049l",  # leave the alternate screen
    "\x1b[?1003h\x1b[?2004l",  # change modes
    "\x1b[6n\x1b[c\x1b[>0q",  # make the terminal answer
    "\x1b[41m\x1b[5m",  # colours
    "\x1bP1$qm\x1b\\",  # DCS
    "\x1b_Ga=T;AAAA\x1b\\",  # APC: draw a picture
    "\x1b^pm\x1b\\",  # PM
    "\x1bc\x1b#8\x1b(0",  # reset, test pattern, line drawing
    "\x9b2J\x9d52;c;QUFB\x9c\x90\x9c",  # the same in C1
    "\x00\x07\x08\x08\x08\x0b\x0c\x0e\x0f\x7f\x1a",
    "\r\nBUY 100\r",
    "\x85\u2028\u2029NEXT LINE",
    "\u202egnidart\u202c\u2066\u2067\u2068\u2069\u200e\u200f\u061c",  # direction
    "\u200b\u200c\u200d\u2060\ufeff\u00ad",  # invisible
    "\u3164\u115f\u1160\uffa0\u2800",  # blank letters
    "\ufe0f\ufe0e\U000e0101\u180b",  # selectors
    "\ud800\udfff",  # lone surrogates
    "e" + "\u0301\u0323\u0489" * 20,  # a pile of marks
    "\U0010ffff\ue000\u0378",  # no characters
    "\U000e0041\U000e0042\U000e007f",  # tags
    "[/]", "[/bold]", "[link=https://evil.example]x", "[red]", "[[", "]", "[@click=app.quit]x", "\\[", "{0}", "%s%n",
    "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1", "' OR 1=1 --", "\uff1d1",
    "漢字かな交じり文", "👩‍👩‍👧‍👦🏳️‍🌈", "ﷺ" * 5, "A" * 5_000, "",
)  # fmt: skip


def hostile_texts(seed: int = 1) -> Iterator[str]:
    """Hostile texts without end: every attack, then mixtures of them."""
    rng = Random(seed)
    for attack in ATTACKS:
        yield f"{MARK}{attack}{MARK}"
        yield attack
    while True:
        parts = [rng.choice(ATTACKS) for _ in range(rng.randint(1, 3))]
        parts += [chr(rng.choice((rng.randrange(0x20), rng.randrange(0x7F, 0xA0), rng.randrange(0x2000, 0x2070))))]
        rng.shuffle(parts)
        yield MARK + "".join(parts)


_TOKEN = re.compile(
    r"\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b\[(?P<csi>[0-9;:?<>=]*[ -/]*[@-~])"
    r"|\x1b(?P<esc>[ -/]*[0-~])"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
)


class Heard:
    """What a stretch of terminal output consists of."""

    def __init__(self, output: bytes, *, is_cut: bool = False) -> None:
        text = output.decode("utf-8", errors="replace")
        if is_cut:  # reading stopped somewhere, maybe within a sequence
            text = re.sub(r"\x1b[^A-Za-z]*$", "", text)
        self.sequences: set[str] = set()
        self.controls: set[str] = set()
        for found in _TOKEN.finditer(text):
            if found["osc"] is not None:
                self.sequences.add(f"OSC {found['osc'].partition(';')[0]}")
            elif found["csi"] is not None:
                self.sequences.add(self._csi(found["csi"]))
            elif found["esc"] is not None:
                self.sequences.add(f"ESC {found['esc']}")
            else:
                self.controls.add(found["control"])
        self.text = _TOKEN.sub("", text)
        self.bad_characters = {
            f"U+{ord(character):04X}"
            for character in set(self.text)
            if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        }

    @staticmethod
    def _csi(body: str) -> str:
        """Colours and positions differ all the time, modes and questions must not."""
        final, arguments = body[-1], body[:-1]
        if final == "m" and re.fullmatch(r"[0-9;]*", arguments):
            return "CSI m"
        if final in "HABCDG" and re.fullmatch(r"[0-9;]*", arguments):
            return f"CSI {final}"
        return f"CSI {arguments}{final}"
