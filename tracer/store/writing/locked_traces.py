"""Batches that wait, outside the queue, for a trace that another transaction has locked.

Per locked trace, one batch at a time is retried, with a short lock timeout. So a trace that stays
locked fails the requests that write to it, and does not delay others.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

import psycopg

from tracer.store.database.keys import TraceKey, columns_of

MAX_WAITING: Final = 4
"""Batches that may wait per process: each occupies the thread of its request."""
WAIT_SECONDS: Final = 5.0
"""How long a batch waits before its request is refused."""
RETRY_SECONDS: Final = 0.5

_FREE: Final = """
    SELECT t.project_id, t.trace_id FROM traces t
    JOIN unnest(%b::text[], %b::text[]) k (project_id, trace_id) USING (project_id, trace_id)
    FOR UPDATE OF t SKIP LOCKED
"""
_STORED: Final = _FREE.partition("FOR UPDATE")[0]


class _Batch(Protocol):
    @property
    def traces(self) -> set[TraceKey]: ...


B = TypeVar("B", bound=_Batch)


@dataclass(eq=False)
class _Entry(Generic[B]):
    """A locked trace, the batches that wait for it with their deadlines, and the one in trial."""

    retry_at: float
    waiting: deque[tuple[float, B]] = field(default_factory=deque)
    trial: B | None = None
    trial_deadline: float = 0.0


class LockedTraces(Generic[B]):
    """The batches that wait, by trace. Not safe for threads: the writer calls it under its lock."""

    def __init__(self) -> None:
        self._entries: dict[TraceKey, _Entry[B]] = {}

    def add(self, batch: B, keys: Iterable[TraceKey]) -> bool:
        """Queue a batch for these traces; False: it has waited too long, or too many wait."""
        now = time.monotonic()
        key = min(keys)
        entry = self._entries.setdefault(key, _Entry(now))
        is_trial = entry.trial is batch
        deadline = entry.trial_deadline if is_trial else now + WAIT_SECONDS
        if is_trial:
            entry.trial = None
        number = sum(len(each.waiting) for each in self._entries.values())
        if now >= deadline or number >= MAX_WAITING:
            self._drop_unused()
            return False
        entry.retry_at = now + RETRY_SECONDS
        entry.waiting.appendleft((deadline, batch))
        return True

    def locked_of(self, batch: B) -> set[TraceKey]:
        """Return the traces of a batch that are known to be locked, except those it is retrying."""
        if not self._entries:
            return set()
        others = {key for key, entry in self._entries.items() if entry.trial is not batch}
        return others & batch.traces

    def holds(self, batch: B) -> bool:
        """Return whether a batch waits here."""
        return any(batch is other for entry in self._entries.values() for _, other in entry.waiting)

    def seconds_to_retry(self) -> float | None:
        """Return the seconds until the next batch is due to be retried; None: none waits."""
        times = [entry.retry_at for entry in self._entries.values() if entry.waiting]
        return max(0.01, min(times) - time.monotonic()) if times else None

    def due(self) -> B | None:
        """Return a batch that is due to be retried, in a transaction of its own; None: none is."""
        now = time.monotonic()
        for entry in self._entries.values():
            if entry.trial is None and entry.waiting and entry.retry_at <= now:
                entry.trial_deadline, entry.trial = entry.waiting.popleft()
                return entry.trial
        return None

    def is_trial(self, batch: B) -> bool:
        """Return whether a batch is being retried."""
        return any(entry.trial is batch for entry in self._entries.values())

    def released(self, batch: B) -> list[B]:
        """Remove the traces for which ``batch`` was retried; return the other waiting batches."""
        ended = [key for key, entry in self._entries.items() if entry.trial is batch]
        return [other for key in ended for _, other in self._entries.pop(key).waiting]

    def expired(self) -> list[B]:
        """Remove and return the batches that have waited too long."""
        now = time.monotonic()
        late = []
        for entry in self._entries.values():
            late += [batch for deadline, batch in entry.waiting if deadline <= now]
            entry.waiting = deque(item for item in entry.waiting if item[0] > now)
        self._drop_unused()
        return late

    def _drop_unused(self) -> None:
        used = {key: entry for key, entry in self._entries.items() if entry.waiting or entry.trial}
        self._entries = used


def find_locked_traces(
    connection: psycopg.Connection[Any], keys: Iterable[TraceKey]
) -> set[TraceKey]:
    """Return which of the traces' rows other transactions have locked."""
    keys = list(keys)
    with connection.transaction(force_rollback=True):
        stored = set(connection.execute(_STORED, columns_of(keys, 2)).fetchall())
        return stored - set(connection.execute(_FREE, columns_of(keys, 2)).fetchall())
