"""The loop of the background worker: looks for due tasks and runs each in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from tracer.worker.tasks import Task

# How long tasks have to end once the worker is told to stop. What is cut off is undone by
# PostgreSQL, and done again by the next worker.
STOP_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 60.0

logger: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class _Slot:
    """A task with the time of its next look, and its thread while it runs."""

    task: Task
    next_look: float = 0.0
    thread: threading.Thread | None = field(default=None)

    @property
    def running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()


class Loop:
    """Runs ``tasks`` against the database at ``url`` until ``stop`` is set.

    It looks for due tasks every ``look_seconds``.
    """

    def __init__(
        self,
        url: str,
        tasks: Sequence[Task],
        stop: threading.Event,
        look_seconds: float = 1.0,
    ) -> None:
        self._url = url
        self._stop = stop
        self._look_seconds = look_seconds
        self._slots = [_Slot(task) for task in tasks]

    def run(self, go_on: Callable[[], bool] = lambda: True) -> None:
        """Look for due tasks until ``stop`` is set or ``go_on`` returns False.

        Raises psycopg.OperationalError when the database can't be reached.
        """
        try:
            with psycopg.connect(self._url, autocommit=True) as connection:
                while go_on() and not self._stop.is_set():
                    self._look(connection)
                    self._stop.wait(self._look_seconds)
        finally:
            self._stop.set()
            self._wait_for_tasks()

    def _look(self, connection: psycopg.Connection[Any]) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.running or now < slot.next_look:
                continue
            slot.next_look = now + slot.task.every
            if slot.task.due is None or connection.execute(slot.task.due.encode()).fetchone():
                self._start(slot)

    def _start(self, slot: _Slot) -> None:
        # A daemon: a task that outlives STOP_SECONDS must not keep the process.
        slot.thread = threading.Thread(
            target=self._work, args=[slot], name=slot.task.name, daemon=True
        )
        slot.thread.start()

    def _work(self, slot: _Slot) -> None:
        try:
            slot.task.run(self._url, self._stop)
        except psycopg.OperationalError:
            # The connection of the loop fails as well, and ends the worker with one line.
            logger.debug("%s: the database is away", slot.task.name, exc_info=True)
        except Exception:
            logger.exception("%s failed; next try in a minute", slot.task.name)
            slot.next_look = time.monotonic() + _RETRY_SECONDS

    def _wait_for_tasks(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        for slot in self._slots:
            if slot.thread is not None:
                slot.thread.join(max(0.0, deadline - time.monotonic()))
