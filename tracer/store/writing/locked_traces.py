"""Batches that wait for a trace which another transaction has locked, outside the queue.

One of them is tried again at a time for each such trace, with a short lock timeout, so that a trace
that stays locked costs its writers a refusal and nobody else anything.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

import psycopg

from tracer.store.database.keys import TraceKey, columns_of

MOST_WAITING: Final = 4
"""Batches that may wait per process: each occupies the thread of its request."""
WAIT_SECONDS: Final = 5.0
"""How long a batch waits before its request is refused."""
RETRY_SECONDS: Final = 0.5

_FREE: Final = """
    SELECT t.project_id, t.trace_id FROM traces t
    JOIN unnest(%s::text[], %s::text[]) k (project_id, trace_id) USING (project_id, trace_id)
    FOR UPDATE OF t SKIP LOCKED
"""
_STORED: Final = _FREE.partition("FOR UPDATE")[0]


class _Batch(Protocol):
    @property
    def traces(self) -> set[TraceKey]: ...


B = TypeVar("B", bound=_Batch)


@dataclass(eq=False)
class _Held(Generic[B]):
    """A locked trace, the batches that wait for it with their deadlines, and the one in trial."""

    retry_at: float
    waiting: deque[tuple[float, B]] = field(default_factory=deque)
    trial: B | None = None
    trial_deadline: float = 0.0


class LockedTraces(Generic[B]):
    """The batches that wait, by trace. Not safe for threads: the writer calls it under its lock."""

    def __init__(self) -> None:
        self._held: dict[TraceKey, _Held[B]] = {}

    def add(self, batch: B, keys: Iterable[TraceKey]) -> bool:
        """Let a batch wait for these traces; False: it has waited too long, or too many wait."""
        now = time.monotonic()
        key = min(keys)
        held = self._held.setdefault(key, _Held(now))
        is_trial = held.trial is batch
        deadline = held.trial_deadline if is_trial else now + WAIT_SECONDS
        if is_trial:
            held.trial = None
        if (
            now >= deadline
            or sum(len(each.waiting) for each in self._held.values()) >= MOST_WAITING
        ):
            self._drop_unused()
            return False
        held.retry_at = now + RETRY_SECONDS
        held.waiting.appendleft((deadline, batch))
        return True

    def concerns(self, batch: B) -> set[TraceKey]:
        """Return the traces of a batch that are known to be locked, but for those it tries."""
        if not self._held:
            return set()
        held = {key for key, each in self._held.items() if each.trial is not batch}
        return held & batch.traces

    def holds(self, batch: B) -> bool:
        """Return whether a batch waits here."""
        return any(batch is other for held in self._held.values() for _, other in held.waiting)

    def seconds_to_retry(self) -> float | None:
        """Return when the next batch is to be tried; None: none waits."""
        times = [held.retry_at for held in self._held.values() if held.waiting]
        return max(0.01, min(times) - time.monotonic()) if times else None

    def due(self) -> B | None:
        """Return a batch that is to be tried now, alone; None: there is none."""
        now = time.monotonic()
        for held in self._held.values():
            if held.trial is None and held.waiting and held.retry_at <= now:
                held.trial_deadline, held.trial = held.waiting.popleft()
                return held.trial
        return None

    def is_trial(self, batch: B) -> bool:
        """Return whether a batch is tried again now."""
        return any(held.trial is batch for held in self._held.values())

    def released(self, batch: B) -> list[B]:
        """Forget the traces for which ``batch`` was tried; return the batches that waited too."""
        ended = [key for key, held in self._held.items() if held.trial is batch]
        return [other for key in ended for _, other in self._held.pop(key).waiting]

    def expired(self) -> list[B]:
        """Remove and return the batches that have waited too long."""
        now = time.monotonic()
        late = []
        for held in self._held.values():
            late += [batch for deadline, batch in held.waiting if deadline <= now]
            held.waiting = deque(entry for entry in held.waiting if entry[0] > now)
        self._drop_unused()
        return late

    def _drop_unused(self) -> None:
        used = {key: held for key, held in self._held.items() if held.waiting or held.trial}
        self._held = used


def held_traces(connection: psycopg.Connection[Any], keys: Iterable[TraceKey]) -> set[TraceKey]:
    """Return those of the traces whose rows another transaction has locked."""
    keys = list(keys)
    with connection.transaction(force_rollback=True):
        stored = set(connection.execute(_STORED, columns_of(keys, 2)).fetchall())
        return stored - set(connection.execute(_FREE, columns_of(keys, 2)).fetchall())
