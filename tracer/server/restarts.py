"""Restarts the embedded PostgreSQL after it ended, with growing pauses while it keeps ending.

On a full disk it may start and end several times a second: each start writes to the disk, and none
helps before there is space.
"""

from __future__ import annotations

import re
import sys
import time
from typing import Final

from tracer.server.postgres import Embedded, EmbeddedError
from tracer.store.database.outage import set_outage

_STABLE_SECONDS: Final = 60.0
_MAX_PAUSE_SECONDS: Final = 30.0
_BEFORE_MESSAGE: Final = re.compile(r"[\d-]{10} [\d:.]+ \w+ \[\d+\] ")


class Restarts:
    """The restarts of one embedded PostgreSQL; `ensure_running` is called about once a second."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded
        self._started = time.monotonic()
        self._pause = 0.0
        self._next_start: float | None = None
        """None: PostgreSQL was running at the last call."""

    def ensure_running(self) -> None:
        """Start PostgreSQL if it is not running and its pause is over."""
        now = time.monotonic()
        if self._embedded.postmaster() is not None:
            if now - self._started > 1:
                set_outage("")
            return
        if self._next_start is None:
            self._note_end(now)
        elif now >= self._next_start:
            self._start(now)

    def _note_end(self, now: float) -> None:
        stable = now - self._started > _STABLE_SECONDS
        self._pause = 0.0 if stable else min(max(1.0, 2 * self._pause), _MAX_PAUSE_SECONDS)
        self._report(self._embedded.end_reason())
        self._next_start = now + self._pause

    def _start(self, now: float) -> None:
        self._started, self._next_start = now, None
        try:
            self._embedded.start()
        except EmbeddedError as error:
            self._pause = min(max(1.0, 2 * self._pause), _MAX_PAUSE_SECONDS)
            self._report(str(error))
            self._next_start = now + self._pause

    def _report(self, reason: str) -> None:
        reason = _BEFORE_MESSAGE.sub("", reason)
        if "No space left on device" in reason:
            reason = f"its disk is full: {reason}"
        set_outage(reason)
        print(
            f"tracer: PostgreSQL ended: {reason}; next start in {self._pause:.0f} s",
            file=sys.stderr,
        )
