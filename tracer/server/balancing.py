"""A gunicorn worker that leaves new connections to a worker with fewer open connections.

Exporters keep few connections open for hours. If the first worker to wake accepts each of them,
most can end up in one process, on one core, while the other worker idles.
"""

from __future__ import annotations

import time
from ctypes import c_int
from multiprocessing.sharedctypes import RawArray
from typing import Any, Final

from tracer.server.worker import PatientWorker

# How long to wait for a less loaded worker to accept; after that, this worker accepts.
_WAITS: Final = 10
_WAIT_SECONDS: Final = 0.001
# The connection count of a slot without a worker: no worker waits for it.
_NO_WORKER: Final = 1 << 30


class ConnectionCounts:
    """The open connections of each worker, in memory shared with processes forked later."""

    def __init__(self, workers: int) -> None:
        self.counts = RawArray(c_int, [_NO_WORKER] * workers)

    def assign_slot(self, arbiter: Any, worker: Any) -> None:
        """Assign a free slot to a worker before its fork (gunicorn's ``pre_fork``)."""
        taken = {other.slot for other in arbiter.WORKERS.values()}
        worker.slot = next(n for n in range(len(self.counts) + 1) if n not in taken)
        worker.connection_counts = self

    def free_slot(self, _arbiter: Any, worker: Any) -> None:
        """Mark the slot of an ended worker as empty (gunicorn's ``child_exit``)."""
        self.set(worker.slot, _NO_WORKER)

    def set(self, slot: int, count: int) -> None:
        """Store the number of connections of a slot; a surplus worker has no slot."""
        if slot < len(self.counts):
            self.counts[slot] = count

    def has_less_loaded(self, count: int) -> bool:
        """Return whether a worker has fewer connections than ``count``."""
        return bool(min(self.counts) < count)


class BalancedWorker(PatientWorker):
    """The web worker, which compares connection counts before it accepts."""

    connection_counts: ConnectionCounts
    slot: int
    _waits = 0

    def notify(self) -> None:
        """Send the heartbeat, and publish the number of open connections."""
        self.connection_counts.set(self.slot, self.nr_conns)
        super().notify()

    def is_parent_alive(self) -> bool:
        """Return whether the parent is alive; without a parent the worker shuts down."""
        if super().is_parent_alive():
            return True
        # gunicorn alone stops accepting, but goes on serving connections that stay busy.
        self.alive = False
        return False

    def accept(self, listener: Any) -> None:
        """Accept a connection, or leave it to a less loaded worker: the poller calls again."""
        if self._waits < _WAITS and self.connection_counts.has_less_loaded(self.nr_conns):
            self._waits += 1
            time.sleep(_WAIT_SECONDS)
            return
        self._waits = 0
        super().accept(listener)
        self.connection_counts.set(self.slot, self.nr_conns)
