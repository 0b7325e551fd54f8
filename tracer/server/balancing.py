"""A gunicorn worker that leaves new connections to whichever sibling has fewer.

Exporters keep few connections open for hours. Accepted by whoever wakes first, most of them can
end up in one process, on one core, while the other idles.
"""

from __future__ import annotations

import time
from ctypes import c_int
from multiprocessing.sharedctypes import RawArray
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

# As long as a sibling may take to wake up; then somebody must answer all the same.
_TURNS: Final = 10
_TURN_SECONDS: Final = 0.001
_NOBODY: Final = 1 << 30


class Board:
    """Open connections by worker, shared by the processes that are forked after it is made."""

    def __init__(self, workers: int) -> None:
        self.counts = RawArray(c_int, [_NOBODY] * workers)

    def seat(self, arbiter: Any, worker: Any) -> None:
        """Give a worker that is about to be forked a place (gunicorn's ``pre_fork``)."""
        taken = {other.place for other in arbiter.WORKERS.values()}
        worker.place = next(n for n in range(len(self.counts) + 1) if n not in taken)
        worker.board = self

    def leave(self, arbiter: Any, worker: Any) -> None:
        """Let nobody wait for a worker that has ended (gunicorn's ``child_exit``)."""
        self.note(worker.place, _NOBODY)

    def note(self, place: int, count: int) -> None:
        """Write down how many connections a worker has; one too many for the board has no place."""
        if place < len(self.counts):
            self.counts[place] = count

    def has_lighter(self, count: int) -> bool:
        """Return whether some worker has fewer connections than ``count``."""
        return bool(min(self.counts) < count)


class BalancedWorker(ThreadWorker):
    """gunicorn's worker with threads, which looks at the board before it accepts."""

    board: Board
    place: int
    _turns = 0

    def notify(self) -> None:
        """Say that we live, and how busy we are."""
        self.board.note(self.place, self.nr_conns)
        super().notify()

    def is_parent_alive(self) -> bool:
        """Return whether we have a parent; without one we stop as if it had told us to."""
        if super().is_parent_alive():
            return True
        # gunicorn stops accepting, but would go on serving whoever keeps a connection busy.
        self.alive = False
        return False

    def accept(self, listener: Any) -> None:
        """Take a new connection, unless a sibling should; the poller asks again until one has."""
        if self._turns < _TURNS and self.board.has_lighter(self.nr_conns):
            self._turns += 1
            time.sleep(_TURN_SECONDS)
            return
        self._turns = 0
        super().accept(listener)
        self.board.note(self.place, self.nr_conns)
