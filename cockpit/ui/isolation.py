"""The isolation rule: an action key acts only when it came alone. A pure state machine; times are handed in.

A bad link breaks escape sequences into single keys, a stall bunches real presses, a paste without brackets is a burst.
The rule tells them from a finger by time alone. Gates, duplicate guard and reduce-only stand behind it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

BROKEN_PARTS = frozenset("[<?;$~")
"""Characters that only a broken escape sequence brings near an action key."""

ESCAPE = "escape"
FLATTEN_RUN_S = 0.15
"""Flatten presses closer than this are one run; a run of three or more never executes."""

LOCK_AFTER_BROKEN_S = 1.0
LOCK_AFTER_ESCAPE_S = 0.3
ARMED_S = 3.0


class Verdict(StrEnum):
    """What became of the keys."""

    RELEASED = "released"
    REFUSED_TOGETHER = "together"
    REFUSED_LOCKED = "locked"
    ARM_FLATTEN = "arm flatten"
    REARM_FLATTEN = "rearm flatten"
    FIRE_FLATTEN = "fire flatten"
    DISARM_FLATTEN = "disarm flatten"


class Outcome(msgspec.Struct, frozen=True):
    """One verdict, with the key it is about."""

    verdict: Verdict
    key: str = ""


class Isolation:
    """Feed it every key in the order it came; poll it when ``due`` says so.

    Args:
        action_keys: keys that must come alone.
        flatten_key: the key of which two presses flatten.
        quiet_s: how long no other key may come before and after an action key.
    """

    def __init__(self, action_keys: frozenset[str], flatten_key: str, quiet_s: float = 0.08) -> None:
        self._action_keys = action_keys
        self._flatten_key = flatten_key
        self._quiet_s = quiet_s
        self._last = -1e9
        self._locked_until = -1e9
        self._burst: list[str] = []
        self._run = 0
        self._run_last = -1e9
        self._run_was_armed = False
        self._armed_until: float | None = None

    @property
    def armed_until(self) -> float | None:
        """Until when a second flatten press executes; None when not armed."""
        return self._armed_until

    @property
    def due(self) -> float | None:
        """When to poll next, None if nothing waits."""
        times = []
        if any(key in self._action_keys for key in self._burst):
            times.append(self._last + self._quiet_s)
        if self._run:
            times.append(self._run_last + (FLATTEN_RUN_S if self._is_arm_said else self._quiet_s))
        if self._armed_until is not None:
            times.append(self._armed_until)
        return min(times, default=None)

    def feed(self, key: str, now: float) -> list[Outcome]:
        """Take a key that arrived at ``now`` (monotonic seconds, never before the last one)."""
        outcomes = self.poll(now)
        is_alone = now - self._last >= self._quiet_s
        if is_alone:
            self._burst = []
        self._last = now
        self._lock_if_broken(key, now)
        if key == self._flatten_key:
            return outcomes + self._feed_flatten(now, is_alone)
        outcomes += self._drop_run()
        self._burst.append(key)
        return outcomes

    def poll(self, now: float) -> list[Outcome]:
        """What time alone decides by ``now``."""
        outcomes: list[Outcome] = []
        if self._armed_until is not None and now >= self._armed_until and not self._run:
            outcomes.append(self._disarm())
        if self._burst and now - self._last >= self._quiet_s:
            outcomes += self._close_burst(now)
        if self._run:
            outcomes += self._poll_run(now)
        return outcomes

    def disarm(self) -> None:
        """Forget an armed flatten, as when the engine reports that it runs."""
        self._armed_until = None
        self._run = 0

    @property
    def _is_arm_said(self) -> bool:
        return self._armed_until is not None or self._run > 1

    def _lock_if_broken(self, key: str, now: float) -> None:
        has_escape_before = ESCAPE in self._burst
        if key in BROKEN_PARTS or (has_escape_before and key != ESCAPE):
            self._lock(now + LOCK_AFTER_BROKEN_S)
        elif key == ESCAPE:
            self._lock(now + LOCK_AFTER_ESCAPE_S)

    def _lock(self, until: float) -> None:
        self._locked_until = max(self._locked_until, until)

    def _close_burst(self, now: float) -> list[Outcome]:
        keys, self._burst = self._burst, []
        actions = [key for key in keys if key in self._action_keys]
        if not actions:
            return []
        if self._last < self._locked_until:
            return [Outcome(Verdict.REFUSED_LOCKED, key) for key in actions[:1]]
        if len(keys) > 1:
            return [Outcome(Verdict.REFUSED_TOGETHER, actions[0])]
        return [Outcome(Verdict.RELEASED, actions[0])]

    def _feed_flatten(self, now: float, is_alone: bool) -> list[Outcome]:
        continues_run = self._run > 0
        if self._burst or (not is_alone and not continues_run):
            self._burst.append(self._flatten_key)
            self._run = 0
            return [Outcome(Verdict.REFUSED_TOGETHER, self._flatten_key)]
        if now < self._locked_until:
            return [Outcome(Verdict.REFUSED_LOCKED, self._flatten_key)]
        if not continues_run:
            self._run_was_armed = self._armed_until is not None
        self._run += 1
        self._run_last = now
        return []

    def _drop_run(self) -> list[Outcome]:
        """Another key came: a waiting press is void and an armed flatten is off."""
        outcomes = []
        if self._run:
            near = self._last - self._run_last < self._quiet_s
            self._run = 0
            if near:
                outcomes.append(Outcome(Verdict.REFUSED_TOGETHER, self._flatten_key))
                self._burst.append(self._flatten_key)
        if self._armed_until is not None:
            outcomes.append(self._disarm())
        return outcomes

    def _poll_run(self, now: float) -> list[Outcome]:
        quiet = now - self._run_last
        outcomes = []
        if self._armed_until is None and self._run == 1 and quiet >= self._quiet_s:
            outcomes.append(self._arm(Verdict.ARM_FLATTEN))
        if quiet < FLATTEN_RUN_S:
            return outcomes
        presses, self._run = self._run, 0
        if presses == 1:
            return [*outcomes, self._fire()] if self._run_was_armed else outcomes
        if presses == 2 and not self._run_was_armed:
            armed = [] if self._armed_until is not None else [self._arm(Verdict.ARM_FLATTEN)]
            return [*outcomes, *armed, self._fire()]
        return [*outcomes, self._arm(Verdict.REARM_FLATTEN)]

    def _arm(self, verdict: Verdict) -> Outcome:
        self._armed_until = self._run_last + ARMED_S
        return Outcome(verdict, self._flatten_key)

    def _fire(self) -> Outcome:
        self._armed_until = None
        return Outcome(Verdict.FIRE_FLATTEN, self._flatten_key)

    def _disarm(self) -> Outcome:
        self._armed_until = None
        return Outcome(Verdict.DISARM_FLATTEN, self._flatten_key)
