"""A text that is used and never shown. What it is for, and who may use it, is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, SupportsIndex


class Secret:
    """Holds a text out of reach of everything that prints, copies or stores objects.

    The text is in no attribute: printers of objects (``vars``, ``pprint``, ``rich.inspect``, tracebacks with local
    variables) walk attributes and find a function. It has no length, no order and no equality to leak by.
    """

    __slots__ = ("_open",)

    _open: Callable[[], str]

    def __init__(self, text: str) -> None:
        self._open = lambda: text

    def reveal(self) -> str:
        """The text itself."""
        return self._open()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is neither pickled nor copied")
