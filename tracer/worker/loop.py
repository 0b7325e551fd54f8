"""The loop of the background worker: polls for due tasks and runs each in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from tracer.worker.tasks import Task

# How long running tasks may take to end when the worker stops. PostgreSQL rolls back a task that
# is cut off, and the next worker runs it again.
STOP_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 60.0

logger: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class _Slot:
    """A task with the time of its next poll, and its thread while it runs."""

    task: Task
    next_poll: float = 0.0
    thread: threading.Thread | None = field(default=None)

    @property
    def running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()


class Loop:
    """Runs ``tasks`` against the database at ``url`` until ``stop`` is set.

    Polls for due tasks every ``poll_seconds``.
    """

    def __init__(
        self,
        url: str,
        tasks: Sequence[Task],
        stop: threading.Event,
        poll_seconds: float = 1.0,
    ) -> None:
        self._url = url
        self._stop = stop
        self._poll_seconds = poll_seconds
        self._slots = [_Slot(task) for task in tasks]

    def run(self, should_continue: Callable[[], bool] = lambda: True) -> None:
        """Poll for due tasks until ``stop`` is set or ``should_continue`` returns False.

        Raises psycopg.OperationalError if the database can't be reached.
        """
        try:
            with psycopg.connect(self._url, autocommit=True) as connection:
                while should_continue() and not self._stop.is_set():
                    self._poll(connection)
                    self._stop.wait(self._poll_seconds)
        finally:
            self._stop.set()
            self._wait_for_tasks()

    def _poll(self, connection: psycopg.Connection[Any]) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.running or now < slot.next_poll:
                continue
            slot.next_poll = now + slot.task.every
            if slot.task.due is None or _returns_a_row(connection, slot.task.due):
                self._start(slot)

    def _start(self, slot: _Slot) -> None:
        # A daemon thread: a task that exceeds STOP_SECONDS must not keep the process alive.
        slot.thread = threading.Thread(
            target=self._work, args=[slot], name=slot.task.name, daemon=True
        )
        slot.thread.start()

    def _work(self, slot: _Slot) -> None:
        try:
            slot.task.run(self._url, self._stop)
        except psycopg.OperationalError:
            # The loop's own connection fails as well, and ends the worker with a one-line error.
            logger.debug("%s: the database is unavailable", slot.task.name, exc_info=True)
        except Exception:
            logger.exception("%s failed; next try in a minute", slot.task.name)
            slot.next_poll = time.monotonic() + _RETRY_SECONDS

    def _wait_for_tasks(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        for slot in self._slots:
            if slot.thread is not None:
                slot.thread.join(max(0.0, deadline - time.monotonic()))


def _returns_a_row(connection: psycopg.Connection[Any], query: str) -> bool:
    # Compared with None: a row without columns is an empty tuple, which is false.
    return connection.execute(query.encode()).fetchone() is not None
