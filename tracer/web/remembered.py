"""What a process remembers between requests, so that not each of them asks the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_MEMBERS_SECONDS: Final = 1.0
_USE_SECONDS: Final = 60.0
_MAX_USES: Final = 10_000


class MembersExist:
    """Whether the server has members: looked up once a second until there are some."""

    def __init__(self) -> None:
        self._exist = False
        self._read_at = -_MEMBERS_SECONDS

    def ask(self, read: Callable[[], bool]) -> bool:
        """Return whether there are members, by calling ``read`` where the last answer is old."""
        now = time.monotonic()
        if not self._exist and now - self._read_at >= _MEMBERS_SECONDS:
            self._exist = read()
            self._read_at = now
        return self._exist


class KeyUses:
    """When the use of each key was last stored: once a minute and process is enough."""

    def __init__(self) -> None:
        self._stored: dict[str, float] = {}

    def is_due(self, key_id: str) -> bool:
        """Return whether a use should be stored now; then the next minute's uses are not."""
        now = time.monotonic()
        if now - self._stored.get(key_id, -_USE_SECONDS) < _USE_SECONDS:
            return False
        if len(self._stored) > _MAX_USES:
            self._stored.clear()
        self._stored[key_id] = now
        return True


class AtMostEvery:
    """Limits what a process does to once in some seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = -seconds

    def is_due(self) -> bool:
        """Return whether the seconds have passed since it was last due; if so, they start anew."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
