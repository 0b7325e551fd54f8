"""Limits the threads for each kind of request, so that no kind can take all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tracer.server.connection import Connection

_HEALTH_PATHS: Final = (b"/health", b"/healthz", b"/ready")
HEALTH: Final = "health"
WRITE: Final = "write"
READ: Final = "read"


def request_kind(method: bytes, path: bytes) -> str:
    """Return the kind of a request: health check, write of the API, or read (pages included)."""
    if path in _HEALTH_PATHS:
        return HEALTH
    is_api = path.startswith((b"/v1/", b"/api/"))
    return WRITE if is_api and method not in (b"GET", b"HEAD", b"OPTIONS") else READ


class ThreadQuotas:
    """Counts the busy threads by kind, and keeps the requests that wait for one in order.

    Reads leave a quarter of the threads to writes and writes leave a quarter to reads; health
    checks have a thread of their own.
    """

    def __init__(self, threads: int) -> None:
        reserved = max(1, threads // 4) if threads > 1 else 0
        self._limits = {HEALTH: 1, WRITE: threads - reserved, READ: threads - reserved}
        self._threads = threads
        self._busy = dict.fromkeys(self._limits, 0)
        self._waiting: dict[str, deque[Connection]] = {kind: deque() for kind in self._limits}

    def put(self, connection: Connection) -> None:
        """Queue the complete request of a connection."""
        self._waiting[connection.kind].append(connection)

    def release(self, kind: str) -> None:
        """Note that a thread has finished a request of this kind."""
        self._busy[kind] -= 1

    def take(self) -> Iterator[Connection]:
        """Yield the connections whose requests may take a thread now, the oldest first."""
        for kind, waiting in self._waiting.items():
            while waiting and self._may_start(kind):
                self._busy[kind] += 1
                yield waiting.popleft()

    def remove(self, connection: Connection) -> None:
        """Remove a waiting request."""
        self._waiting[connection.kind].remove(connection)

    def _may_start(self, kind: str) -> bool:
        if self._busy[kind] >= self._limits[kind]:
            return False
        return kind == HEALTH or self._busy[READ] + self._busy[WRITE] < self._threads
