"""The background tasks: what each one does, how often it is looked for, and by which query.

A new task is a function here and its entry in TASKS. A task is idempotent: two servers on one
database, or a restart in the middle, run it twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from tracer.store.analyses.compute import DUE as DUE_ANALYSES
from tracer.store.counters.fold_sql import FOLD_TALLIES
from tracer.store.deletion import purge
from tracer.store.timeline.fill import DUE as DUE_TIMELINES
from tracer.store.timeline.fill import fill_wanted
from tracer.worker import analysis_process

Stop = threading.Event
"""Set when the worker is to end: a task that takes long looks at it now and then."""

_COUNTERS_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('fold counters', 2))"


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of background work: ``run`` is called when ``due`` returns a row.

    ``every`` is the time in seconds from one look to the next; without ``due`` each look runs.
    """

    name: str
    every: float
    run: Callable[[str, Stop], Any]
    due: str | None = None


def fill_timelines(url: str, _stop: Stop) -> None:
    """Fill the timelines of large traces that a reader asked for."""
    fill_wanted(url)


def analyse_large_traces(_url: str, stop: Stop) -> None:
    """Analyse the large traces that changed and are quiet now, in a process of its own."""
    analysis_process.run(stop)


def fold_counters(url: str, _stop: Stop) -> None:
    """Add up the counter rows that writers appended; one server at a time."""
    with psycopg.connect(url) as connection:
        if connection.execute(_COUNTERS_LOCK).fetchone() == (True,):
            connection.execute(FOLD_TALLIES.encode())


def purge_deleted_traces(url: str, _stop: Stop) -> None:
    """Finish deletes that were cut short, and forget tombstones of a day ago."""
    with psycopg.connect(url, autocommit=True) as connection:
        purge.empty_left(connection)
        purge.forget(connection)


TASKS: Final = (
    Task("timelines of large traces", 2.0, fill_timelines, DUE_TIMELINES),
    Task("analyses of large traces", 2.0, analyse_large_traces, DUE_ANALYSES),
    Task("counters", 20.0, fold_counters),
    Task("purge of deleted traces", 60.0, purge_deleted_traces),
)
