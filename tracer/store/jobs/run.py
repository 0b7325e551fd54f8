"""Runs due jobs in steps of some traces; an interrupted job goes on with the remaining ones."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import psycopg
from psycopg.rows import dict_row

from tracer.errors import TracerError
from tracer.store.jobs.changes import Job, TraceChange, apply
from tracer.times import to_micros

STEP_TRACES: Final = 200

_NEXT_JOB: Final = """
    SELECT project_id, job_id, change, created_at, author, author_id FROM jobs
    WHERE status IN ('waiting', 'running') AND run_after <= now()
        AND change ->> 'action' <> 'export'
        AND pg_try_advisory_lock(hashtextextended('job ' || job_id, 2))
    ORDER BY run_after LIMIT 1
"""
_UNLOCK: Final = "SELECT pg_advisory_unlock(hashtextextended('job ' || %s, 2))"
# Changes no row, so that the job does not start, if it was undone in the meantime.
_START: Final = """
    UPDATE jobs SET status = 'running'
    WHERE project_id = %s AND job_id = %s AND status IN ('waiting', 'running')
    RETURNING job_id
"""
_ITEMS: Final = """
    SELECT trace_id FROM job_items WHERE project_id = %s AND job_id = %s
    ORDER BY trace_id LIMIT %s
"""
_COMPLETE_STEP: Final = """
    WITH finished AS (
        DELETE FROM job_items WHERE project_id = %(project)s AND job_id = %(job)s
            AND trace_id = ANY(%(traces)s)
    )
    UPDATE jobs SET done = done + %(number)s WHERE project_id = %(project)s AND job_id = %(job)s
"""
# No items are left: those of a trace that was deleted meanwhile were deleted with it.
_END: Final = """
    UPDATE jobs SET status = %s, error = %s, ended_at = now()
    WHERE project_id = %s AND job_id = %s
"""


def run_due(url: str) -> int:
    """Run the jobs that are due one after the other; return their number."""
    number = 0
    with psycopg.connect(url, autocommit=True) as connection:
        while (job := _next_job(connection)) is not None:
            try:
                _run(connection, job)
            finally:
                connection.execute(_UNLOCK, [job.job_id])
            number += 1
    return number


def _next_job(connection: psycopg.Connection[Any]) -> Job | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_NEXT_JOB).fetchone()
    if row is None:
        return None
    return Job(
        project_id=row["project_id"],
        job_id=row["job_id"],
        change=msgspec.convert(row["change"], TraceChange),
        time=to_micros(row["created_at"]),
        author=row["author"],
        author_id=row["author_id"],
    )


def _run(connection: psycopg.Connection[Any], job: Job) -> None:
    key = job.project_id, job.job_id
    if connection.execute(_START, key).fetchone() is None:
        return
    try:
        while trace_ids := [row[0] for row in connection.execute(_ITEMS, (*key, STEP_TRACES))]:
            apply(connection, job, trace_ids)
            step = {"project": key[0], "job": key[1], "traces": trace_ids, "number": len(trace_ids)}
            connection.execute(_COMPLETE_STEP, step)
    except (TracerError, psycopg.DataError, psycopg.IntegrityError) as error:
        connection.execute(_END, ("failed", f"{error}", *key))
    else:
        connection.execute(_END, ("done", None, *key))
