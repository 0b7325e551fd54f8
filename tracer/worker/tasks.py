"""The background tasks: each with its function, its poll interval and the query for due work.

A new task is a function here and an entry in TASKS. Tasks must be idempotent: with two servers on
one database, or after a restart, a task may run twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from tracer.store.analyses.compute import DUE as DUE_ANALYSES
from tracer.store.counters.fold_sql import COMPACT
from tracer.store.deletion import projects, purge
from tracer.store.parts import rewrite
from tracer.store.rollups import count_traces, fold, score_hours, users
from tracer.store.scores import trace_fields
from tracer.store.texts import fill as trace_words
from tracer.store.timeline.fill import DUE as DUE_TIMELINES
from tracer.store.timeline.fill import fill_requested
from tracer.worker import processes

Stop = threading.Event
"""Set when the worker stops: a long task must check it from time to time."""

# Here and not in the modules of jobs: importing these would load the whole store.
DUE_JOBS: Final = """
    SELECT FROM jobs WHERE status IN ('waiting', 'running') AND run_after <= now()
        AND change ->> 'action' <> 'export' LIMIT 1
"""
DUE_EXPORTS: Final = """
    SELECT FROM jobs WHERE status IN ('waiting', 'running') AND run_after <= now()
        AND change ->> 'action' = 'export' LIMIT 1
"""
_EXPIRE_FILES: Final = """
    DELETE FROM job_files f USING jobs j
    WHERE j.project_id = f.project_id AND j.job_id = f.job_id
        AND j.ended_at < now() - interval '1 day'
"""
_filler: Final = trace_fields.Filler()
_COUNTERS_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('fold counters', 2))"


@dataclass(frozen=True, slots=True)
class Task:
    """A background task: ``run(url, stop)`` is called when the query ``due`` returns a row.

    ``every``: seconds between polls; without ``due`` the task runs at every poll.
    """

    name: str
    every: float
    run: Callable[[str, Stop], Any]
    due: str | None = None


def fill_timelines(url: str, _stop: Stop) -> None:
    """Build the timelines of large traces that visitors have opened."""
    fill_requested(url)


def analyse_large_traces(_url: str, stop: Stop) -> None:
    """Analyse, in a separate process, the changed large traces, once no more spans arrive."""
    processes.run("tracer.worker.analysis_process", stop)


def compact_counters(url: str, _stop: Stop) -> None:
    """Compact the counter rows that writers appended; only one server does so at a time."""
    with psycopg.connect(url) as connection:
        if connection.execute(_COUNTERS_LOCK).fetchone() == (True,):
            connection.execute(COMPACT.encode())


def run_jobs(_url: str, stop: Stop) -> None:
    """Run the bulk jobs that are due, in a separate process: they use all of the store."""
    processes.run("tracer.store.jobs", stop)


def write_exports(_url: str, stop: Stop) -> None:
    """Write the files of exports that are due, in a process that has the application's queries."""
    processes.run("tracer.server.exports", stop)


def expire_files(url: str, _stop: Stop) -> None:
    """Delete the files of exports that ended a day ago."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_EXPIRE_FILES)


def index_words(url: str, stop: Stop) -> None:
    """Index the words of the traces that have changed, for search across traces."""
    trace_words.fill(url, stop)


def fold_rollups(url: str, stop: Stop) -> None:
    """Add the changes that writers appended to the rollups of minutes, hours and days."""
    fold.fold_all(url, stop.is_set)


def count_older_traces(url: str, stop: Stop) -> None:
    """Add the traces from before migration 0030 to the rollups."""
    count_traces.count_all(url, stop.wait)


def count_users(url: str, stop: Stop) -> None:
    """Count the users of the traces from before migration 0033."""
    users.count_all(url, stop.wait)


def upgrade_scores(url: str, stop: Stop) -> None:
    """Note the start and environment of their trace in the scores from before migration 0035."""
    trace_fields.upgrade_all(url, stop.wait)


def fill_scores(url: str, stop: Stop) -> None:
    """Note the start and environment of their trace in scores that arrived before it."""
    _filler.run(url, stop.wait)


def recount_score_hours(url: str, stop: Stop) -> None:
    """Recount the sums of the hours whose scores have changed."""
    score_hours.recount_all(url, stop.wait)


def purge_deleted_traces(url: str, _stop: Stop) -> None:
    """Purge deleted traces whose purge was interrupted, and tombstones older than a day."""
    with psycopg.connect(url, autocommit=True) as connection:
        purge.purge_pending(connection)
        purge.expire_tombstones(connection)


def rewrite_payloads(url: str, stop: Stop) -> None:
    """Deduplicate the payloads that were stored before migration 0020."""
    rewrite.rewrite(url, stop.wait)


def purge_deleted_projects(url: str, stop: Stop) -> None:
    """Purge the rows of deleted projects, step by step."""
    with psycopg.connect(url, autocommit=True) as connection:
        projects.purge_projects(connection, stop)


TASKS: Final = (
    Task("timelines of large traces", 2.0, fill_timelines, DUE_TIMELINES),
    Task("analyses of large traces", 2.0, analyse_large_traces, DUE_ANALYSES),
    Task("bulk jobs", 1.0, run_jobs, DUE_JOBS),
    Task("exports", 1.0, write_exports, DUE_EXPORTS),
    Task("expired files of exports", 300.0, expire_files),
    Task("words of traces", 2.0, index_words, trace_words.DUE),
    Task("counters", 20.0, compact_counters),
    Task("rollups", 5.0, fold_rollups, fold.DUE),
    Task("rollups of older traces", 10.0, count_older_traces, count_traces.UPGRADE.due),
    Task("sums of users", 10.0, count_users, users.UPGRADE.due),
    Task("older scores", 10.0, upgrade_scores, trace_fields.UPGRADE.due),
    Task("scores that were before their trace", 10.0, fill_scores, trace_fields.DUE),
    Task("hours of scores", 15.0, recount_score_hours, score_hours.DUE),
    Task("purge of deleted traces", 60.0, purge_deleted_traces),
    Task("rewrite of payloads", 10.0, rewrite_payloads, rewrite.UPGRADE.due),
    Task("purge of deleted projects", 10.0, purge_deleted_projects, projects.DUE),
)
