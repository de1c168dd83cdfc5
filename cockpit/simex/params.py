"""Reading request parameters: texts to exact numbers and known words, 10001 for anything else. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from cockpit.simex.auth import Refusal

Params = Mapping[str, Any]
Word = TypeVar("Word", bound=StrEnum)

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def text(params: Params, name: str) -> str:
    """A text parameter, empty if absent."""
    value = params.get(name)
    return "" if value is None else str(value)


def decimal(params: Params, name: str) -> Decimal | None:
    """An exact number, None if absent or empty. Exponents and signs like "+1" are refused."""
    value = text(params, name)
    if not value:
        return None
    if _NUMBER.fullmatch(value) is None:
        raise Refusal(10001, f"params error: {name} invalid")
    return Decimal(value)


def required_decimal(params: Params, name: str) -> Decimal:
    """An exact number that must be there."""
    value = decimal(params, name)
    if value is None:
        raise Refusal(10001, f"params error: {name} missing")
    return value


def word(params: Params, name: str, kind: type[Word], default: Word | None = None) -> Word:
    """A word out of a closed vocabulary."""
    value = text(params, name)
    if not value and default is not None:
        return default
    try:
        return kind(value)
    except ValueError:
        raise Refusal(10001, f"params error: {name} invalid") from None


def flag(params: Params, name: str) -> bool:
    """A boolean; clients send JSON booleans, seldom texts."""
    value = params.get(name)
    return value is True or value == "true"
