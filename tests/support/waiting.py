"""Waits for a condition, instead of sleeping for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable

# A long limit, since the machine may be busy; no test measures it.
WAIT_SECONDS = 120.0


def wait_until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Return once ``condition`` is true; fail after WAIT_SECONDS without it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true"
        time.sleep(0.01)
