"""Bounds the bytes of all large bodies that this process decodes at the same time."""

from __future__ import annotations

import threading
from typing import Final

from flask import g, has_request_context

from tracer.errors import Overloaded

MAX_BYTES: Final = 128 * 1024 * 1024
"""Of all requests together; a single body may be longer, alone."""
STEP_BYTES: Final = 1024 * 1024
"""Shorter bodies are not counted: as many as there are threads fit in memory."""


class BodyBudget:
    """Counts what requests have reserved; safe for threads."""

    def __init__(self) -> None:
        self._reserved = 0
        self._lock = threading.Lock()

    def reserve(self, size: int, reserved: int) -> None:
        """Reserve bytes for a request that has ``reserved``; raises Overloaded if too many are."""
        with self._lock:
            others = self._reserved - reserved
            if others and self._reserved + size > MAX_BYTES:
                raise Overloaded("other large requests are being decoded")
            self._reserved += size

    def release(self, size: int) -> None:
        """Return reserved bytes."""
        with self._lock:
            self._reserved -= size


_budget: Final = BodyBudget()


def reserve_body(size: int) -> None:
    """Reserve memory for a body that has become ``size`` bytes long; raises Overloaded."""
    if size < STEP_BYTES or not has_request_context():
        return
    reserved = g.get("body_bytes", 0)
    if size - reserved >= STEP_BYTES:
        _budget.reserve(size - reserved, reserved)
        g.body_bytes = size


def release_body(_error: BaseException | None = None) -> None:
    """Return what this request has reserved; called at its end."""
    if has_request_context() and (reserved := g.pop("body_bytes", 0)):
        _budget.release(reserved)
