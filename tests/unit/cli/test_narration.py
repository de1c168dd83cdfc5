from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

import pytest

from cockpit.cli.narration import say, say_error


def full_disk() -> TextIO:
    return open("/dev/full", "w")


def pipe_without_a_reader() -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


@pytest.mark.parametrize("place", [full_disk, pipe_without_a_reader])
@pytest.mark.parametrize("narrate", [say, say_error])
def test_narration_that_cannot_be_written_does_not_end_what_it_tells_of(
    narrate: Callable[[str], None], place: Callable[[], TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = place()
    monkeypatch.setattr(sys, "stderr", stream)
    narrate("closing BTCUSDT")
    narrate("closed")
    with pytest.raises(OSError, match=r"No space|Broken pipe"):
        stream.close()
