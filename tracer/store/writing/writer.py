"""Group commit: concurrent requests share a transaction, and a bad item fails only itself.

Request threads queue their batches and wait; one of two writer threads takes everything that has
arrived meanwhile and stores it in one transaction. A batch that the database rejects is halved
until the bad item is alone: only that item is reported as rejected. A batch that waits for a lock
is set aside, so that it delays no other (see `locked_traces`).
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
import sqlalchemy as sa

from tracer.errors import Overloaded, StoreUnavailable
from tracer.records import Batch
from tracer.store.database.background_upgrade import OlderServers
from tracer.store.database.keys import TraceKey
from tracer.store.parts.pack import PACKS_SINCE
from tracer.store.writing.locked_traces import LockedTraces, find_locked_traces
from tracer.store.writing.price_cache import PriceBooks
from tracer.store.writing.transaction import store

log = logging.getLogger("tracer.writer")

# Large enough to amortise the cost of a commit, small enough to keep its latency low.
GROUP_SPANS = 2_000
# While one thread waits for PostgreSQL, the other merges.
THREADS = 2
# How long (seconds) a request waits for an unreachable database before it is answered with 503.
RETRY_SECONDS = 10.0
KINDS = ("spans", "patches", "traces", "scores")
DELETED = "its trace was deleted: late records are rejected for a day"

# SQLSTATE classes about the state of the server, not about the data: connection, resources,
# operator intervention, system error, deadlock and serialisation, object in use.
_TRANSIENT = frozenset({"08", "53", "57", "58", "40", "55"})
# The lock timeout of a first attempt, longer than Tracer's own transactions should take, and of a
# retry.
_LOCK_TIMEOUT = "500ms"
_LOCK_TIMEOUT_AGAIN = "20ms"
_LOCKED = "another transaction has locked a trace of this request"


class Rejected(msgspec.Struct, frozen=True):
    """An item that the database rejected."""

    kind: str
    """Name of the item's list in the Batch: spans, patches, traces or scores."""
    index: int
    reason: str


class _Submission:
    """A batch in the queue, and the event on which its request thread waits."""

    def __init__(self, project_id: str, batch: Batch) -> None:
        self.project_id = project_id
        self.batch = batch
        self.done = threading.Event()
        self.rejected: list[Rejected] = []
        self.failure: Exception | None = None

    @property
    def traces(self) -> set[TraceKey]:
        """The keys of the traces that the batch touches."""
        items = [item for kind in KINDS for item in getattr(self.batch, kind)]
        return {(self.project_id, item.trace_id) for item in items if item.trace_id is not None}

    def parts(self) -> list[_Part]:
        return [
            _Part(self, kind, index, item)
            for kind in KINDS
            for index, item in enumerate(getattr(self.batch, kind))
        ]


class _Part(msgspec.Struct):
    """One item of a submission."""

    submission: _Submission
    kind: str
    index: int
    item: Any

    @property
    def key(self) -> tuple[str, str | None]:
        """(project_id, trace_id) of the item; the trace is None for scores of sessions and runs."""
        return self.submission.project_id, self.item.trace_id

    def refuse(self, reason: str) -> None:
        """Record that this item was not stored, and why."""
        self.submission.rejected.append(Rejected(self.kind, self.index, reason))


class Writer:
    """Stores batches for any number of threads; one per process, may be created before a fork."""

    def __init__(self, engine: sa.Engine, max_queue_spans: int = 50_000) -> None:
        self._engine = engine
        self._max_queue_spans = max_queue_spans
        self.prices = PriceBooks()
        self._older_servers = OlderServers(PACKS_SINCE)
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._queue: deque[_Submission] = deque()
        self._locked: LockedTraces[_Submission] = LockedTraces()
        self._waiting = 0
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._local = threading.local()
        self._closed = False

    @property
    def waiting(self) -> int:
        """The number of spans that wait to be written."""
        return self._waiting

    def write(self, project_id: str, batch: Batch) -> list[Rejected]:
        """Store a batch; return the rejected items once the transaction is committed.

        Raises Overloaded at once where the queue is full, and StoreUnavailable where the
        database stays unreachable; then nothing of the batch is stored.
        """
        if len(batch) == 0:
            return []
        submission = _Submission(project_id, batch)
        self._submit(submission)
        submission.done.wait()
        if submission.failure is not None:
            raise submission.failure
        return submission.rejected

    def close(self) -> None:
        """Store the queued batches, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _submit(self, submission: _Submission) -> None:
        if self._pid != os.getpid():
            self._reset()  # threads do not survive a fork
        with self._changed:
            size = len(submission.batch)
            # A batch larger than the queue is accepted while nothing waits; else it never fits.
            if self._waiting and self._waiting + size > self._max_queue_spans:
                raise Overloaded(f"{self._waiting} items are waiting to be written")
            if self._closed:
                raise StoreUnavailable("the server is stopping")
            self._waiting += size
            self._queue.append(submission)
            if not self._idle and len(self._threads) < THREADS:
                thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            group = self._take()
            if not group:
                return self._release()
            try:
                self._store_group(group)
            except Exception:
                # The outermost loop: after any error, the waiting request threads must be released.
                log.exception("a batch could not be written")
                for submission in group:
                    submission.failure = submission.failure or StoreUnavailable(
                        "the server failed to write this; see its log"
                    )
            finally:
                self._finish(group)

    def _take(self) -> list[_Submission]:
        """Wait for work; return queued submissions of up to GROUP_SPANS items; empty: closed."""
        with self._changed:
            self._idle += 1
            while True:
                trial = self._resume_locked()
                if trial is not None or self._queue or self._closed:
                    break
                self._changed.wait(self._locked.seconds_to_retry())
            self._idle -= 1
            if trial is not None:
                return [trial]
            group: list[_Submission] = []
            size = 0
            while self._queue and (not group or size + len(self._queue[0].batch) <= GROUP_SPANS):
                group.append(self._queue.popleft())
                size += len(group[-1].batch)
            return group

    def _resume_locked(self) -> _Submission | None:
        """Return a submission that is due to be retried; fail those that have waited too long."""
        for submission in self._locked.expired():
            self._waiting -= len(submission.batch)
            submission.failure = StoreUnavailable(_LOCKED)
            submission.done.set()
        return self._locked.due()

    def _finish(self, group: list[_Submission]) -> None:
        """Release the request threads whose submissions do not wait for a lock."""
        with self._changed:
            finished = [each for each in group if not self._locked.holds(each)]
            self._waiting -= sum(len(submission.batch) for submission in finished)
            for submission in finished:
                self._queue.extend(self._locked.released(submission))
            self._changed.notify()
        for submission in finished:
            submission.done.set()

    def _store_group(self, group: list[_Submission]) -> None:
        """Store the submissions without a locked trace; let the others wait without a thread."""
        with self._changed:
            known = [(each, self._locked.locked_of(each)) for each in group]
            for submission, locked in known:
                if locked:
                    self._wait_for_lock(submission, locked)
        free = [submission for submission, locked in known if not locked]
        if len(free) == 1 and self._locked.is_trial(free[0]):
            with self._lock_timeout(_LOCK_TIMEOUT_AGAIN):
                self._store(free)
        elif free:
            self._store(free)

    def _wait_for_lock(self, submission: _Submission, locked: set[TraceKey]) -> None:
        if not self._locked.add(submission, locked):
            submission.failure = StoreUnavailable(_LOCKED)

    def _store(self, group: list[_Submission]) -> None:
        work = [(submission.project_id, submission.batch) for submission in group]
        try:
            deleted = self._commit(work)
            for part in _parts_of(group, deleted):
                part.refuse(DELETED)
        except StoreUnavailable as failure:
            for submission in group:
                submission.failure = failure
        except psycopg.errors.LockNotAvailable:
            if len(group) > 1:
                # One by one: after the first attempt, others of the same trace wait at once.
                for submission in group:
                    self._store_group([submission])
            else:
                locked = find_locked_traces(self._connection(), group[0].traces) or group[0].traces
                with self._changed:
                    self._wait_for_lock(group[0], locked)
        except (psycopg.Error, ValueError, TypeError) as error:
            log.warning("the database refused a group of %d requests: %s", len(group), error)
            if len(group) > 1:
                for submission in group:
                    self._store([submission])
            else:
                self._store_by_halves(group[0].parts(), error)

    def _store_by_halves(self, parts: list[_Part], error: Exception) -> None:
        """Store those parts of one rejected submission that the database accepts."""
        if len(parts) == 1:
            parts[0].refuse(_reason(error))
            return
        middle = len(parts) // 2
        for half in (parts[:middle], parts[middle:]):
            try:
                deleted = self._commit([(half[0].submission.project_id, _batch(half))])
                for part in half:
                    if part.key in deleted:
                        part.refuse(DELETED)
            except StoreUnavailable as failure:
                half[0].submission.failure = failure
            except psycopg.errors.LockNotAvailable:
                half[0].submission.failure = StoreUnavailable(_LOCKED)
            except (psycopg.Error, ValueError, TypeError) as refusal:
                self._store_by_halves(half, refusal)

    def _commit(self, work: list[tuple[str, Batch]]) -> set[TraceKey]:
        """Store in one transaction; retry after a deadlock or a lost connection.

        Return the deleted traces, whose records were not stored.
        """
        deadline = time.monotonic() + RETRY_SECONDS
        pause = 0.02
        while True:
            try:
                return self._attempt(work)
            except psycopg.errors.LockNotAvailable:
                raise
            except (psycopg.Error, sa.exc.DBAPIError) as error:
                cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
                if not _is_transient(cause):
                    raise
                if time.monotonic() + pause > deadline:
                    raise StoreUnavailable(f"the database can't write: {cause}") from error
            # Jitter, so that two writers of a deadlock don't collide again.
            time.sleep(pause * (1 + random.random()))  # noqa: S311 - no secret
            pause = min(pause * 2, 1.0)

    def _attempt(self, work: list[tuple[str, Batch]]) -> set[TraceKey]:
        try:
            return store(self._connection(), work, self.prices, self._older_servers)
        except psycopg.errors.LockNotAvailable:
            raise
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self._release()
            raise

    def _connection(self) -> psycopg.Connection[Any]:
        """Return the connection of this thread, which is no part of the pool."""
        if not hasattr(self._local, "own"):
            pooled = self._engine.raw_connection()
            connection = pooled.driver_connection
            assert isinstance(connection, psycopg.Connection)
            pooled.detach()
            _set_lock_timeout(connection, _LOCK_TIMEOUT)
            self._local.own = connection
        connection = self._local.own
        assert isinstance(connection, psycopg.Connection)
        return connection

    @contextmanager
    def _lock_timeout(self, timeout: str) -> Iterator[None]:
        """Wait for locks no longer than ``timeout`` during the block."""
        _set_lock_timeout(self._connection(), timeout)
        try:
            yield
        finally:
            _set_lock_timeout(self._connection(), _LOCK_TIMEOUT)

    def _release(self) -> None:
        if hasattr(self._local, "own"):
            self._local.own.close()
            del self._local.own


def _set_lock_timeout(connection: psycopg.Connection[Any], timeout: str) -> None:
    connection.execute(f"SET lock_timeout = '{timeout}'".encode())
    connection.commit()


def _parts_of(group: list[_Submission], traces: set[TraceKey]) -> list[_Part]:
    if not traces:
        return []
    return [part for submission in group for part in submission.parts() if part.key in traces]


def _is_transient(error: BaseException | None) -> bool:
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate[:2] in _TRANSIENT


def _reason(error: Exception) -> str:
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return str(error)


def _batch(parts: list[_Part]) -> Batch:
    return Batch(**{kind: [part.item for part in parts if part.kind == kind] for kind in KINDS})
