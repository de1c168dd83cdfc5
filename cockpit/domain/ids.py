"""Identifiers. Order link ids are deterministic, so that a crash can never lead to a second order.

A link id has the form ``c{environment}{epoch}{folder}-{signal}-{role}{attempt}``: the prefix tells our orders from
foreign ones, the epoch (a counter in the data folder, raised at each engine start) tells this engine from an earlier
one, and the folder's mark (three characters, made once with its journal) tells it from one on another data folder.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NewType

from cockpit.domain.enums import Environment, OrderRole

ClientOrderId = NewType("ClientOrderId", str)
"""Our id of an order, Bybit's ``orderLinkId``: at most 36 characters of ``[A-Za-z0-9_-]``."""

SignalId = NewType("SignalId", str)
WallId = NewType("WallId", str)

MAX_CLIENT_ORDER_ID = 36
FOLDER_LETTERS, FOLDER_CHARACTERS = "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz0123456789"
"""What a data folder's mark is made of: a letter, and two characters."""
COMMAND_EPOCH = 0
"""Of the orders of ``cockpit flatten``, which counts no starts and has no journal."""
_FORM = re.compile(
    r"c(?P<env>[sdtl])(?P<epoch>[0-9]+)(?P<folder>[a-z][a-z0-9]{2})?"
    r"-(?P<origin>[A-Za-z0-9]+)-(?P<role>[ecf])(?P<attempt>[0-9]+)"
)
_ENV_LETTER = {Environment.SIM: "s", Environment.DEMO: "d", Environment.TESTNET: "t", Environment.LIVE: "l"}
_ROLE_LETTER = {OrderRole.ENTRY: "e", OrderRole.CLOSE: "c", OrderRole.FLATTEN: "f"}
_ROLE_OF_LETTER = {letter: role for role, letter in _ROLE_LETTER.items()}


class Maker(Enum):
    """Who made a link id, as seen by one engine."""

    NO_COCKPIT = auto()
    """A person, or another program."""
    THIS_START = auto()
    EARLIER_START = auto()
    """An earlier engine of the same data folder (or of before folders had marks)."""
    COMMAND = auto()
    """``cockpit flatten``."""
    ANOTHER_ENGINE = auto()


def client_order_id(
    env: Environment, epoch: int, origin: str, role: OrderRole, attempt: int, folder: str = ""
) -> ClientOrderId:
    """The link id of an order.

    Args:
        env: the environment the order goes to.
        epoch: count of engine starts on this data folder.
        origin: signal id, or a counter text for orders without a signal; letters and digits only.
        role: why the order is sent.
        attempt: 1 for the first order of this origin and role, then 2, 3, ...
        folder: mark of the data folder, "" where there is none.

    Raises:
        ValueError: the parts do not fit Bybit's 36 characters or hold a character it refuses.
    """
    text = f"c{_ENV_LETTER[env]}{epoch}{folder}-{origin}-{_ROLE_LETTER[role]}{attempt}"
    if len(text) > MAX_CLIENT_ORDER_ID or _FORM.fullmatch(text) is None:
        form = "c{env}{epoch}{folder}-{origin}-{role}{attempt}"
        raise ValueError(f"order link id {text!r} is not of the form {form}")
    return ClientOrderId(text)


def is_own(client_id: str) -> bool:
    """True if ``client_id`` was made by a cockpit (this engine or another one)."""
    return _FORM.fullmatch(client_id) is not None


def role_of(client_id: str) -> OrderRole | None:
    """The role written in one of our link ids, None for a foreign one."""
    found = _FORM.fullmatch(client_id)
    return None if found is None else _ROLE_OF_LETTER[found["role"]]


def origin_of(client_id: str) -> str | None:
    """The signal id (or counter) written in one of our link ids, None for a foreign one."""
    found = _FORM.fullmatch(client_id)
    return None if found is None else found["origin"]


def maker_of(client_id: str, epoch: int, folder: str) -> Maker:
    """Who made a link id, as seen by the engine of this start (``epoch``) of this data folder (``folder``)."""
    found = _FORM.fullmatch(client_id)
    if found is None:
        return Maker.NO_COCKPIT
    its_epoch, its_folder = int(found["epoch"]), found["folder"] or ""
    if (its_epoch, its_folder) == (epoch, folder):
        return Maker.THIS_START
    if its_epoch == COMMAND_EPOCH and not its_folder and _ROLE_OF_LETTER[found["role"]] is OrderRole.FLATTEN:
        return Maker.COMMAND
    if its_folder in ("", folder) and its_epoch < epoch:
        return Maker.EARLIER_START
    return Maker.ANOTHER_ENGINE
