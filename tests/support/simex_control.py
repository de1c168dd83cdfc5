"""The control routes of the exchange that belongs to a profile: looking inside it, and making things happen."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

from tests.support.profile import ProfileFolder


def simex_control(profile: ProfileFolder, verb: str, **body: Any) -> Any:
    """Ask one control route; with a body the exchange is made to do something."""
    assert profile.simex is not None
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(f"{profile.simex['control']}/{verb}", data=data), timeout=10) as answer:
        return json.loads(answer.read())
