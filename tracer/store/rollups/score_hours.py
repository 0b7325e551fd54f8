"""Keeps sums over the scores of each hour, which charts read instead of the scores.

Who changes scores marks their hours in the same transaction; who reads counts the scores of marked
hours, and the worker recounts these hours and takes the marks away. So the sums equal a recount at
any moment, and have least and greatest values, which sums of changes lack. Imports psycopg alone:
the background worker calls it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from tracer.measure.histogram import BASE, MAX_KEY, MIDDLE
from tracer.store.rollups.sums import COUNT_BITS

_HOURS: Final = 50
"""Hours recounted in one transaction."""
_PAUSE: Final = 0.02
"""Seconds between two transactions."""
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('count scores', 6))"
DUE: Final = "SELECT 1 FROM score_hours_due LIMIT 1"

MARK: Final = """
    INSERT INTO score_hours_due (project_id, start)
    SELECT DISTINCT project_id, date_trunc('hour', trace_start, 'UTC') FROM {}
    WHERE trace_start IS NOT NULL
"""
"""The statement that marks the hours of the rows (project_id, trace_start) of a table."""
MARK_ALL: Final = f"""
    {MARK.format("scores")}
    UNION SELECT project_id, start FROM score_hours
"""  # noqa: S608 - composed of constants

_AMOUNT: Final = "nullif(abs(s.value), 0)"
_STEP: Final = f"floor(ln({_AMOUNT}) / {math.log(BASE)!r} + 0.5) + {MIDDLE}"
# As `tracer.measure.histogram.key_of`.
_KEY: Final = f"""
    CASE WHEN s.value IS NOT NULL THEN coalesce(
        greatest(1, least({MAX_KEY}, {_STEP})) * sign(s.value), 0)::int END
"""
_OF_HOUR: Final = "project_id, start, environment, name, source, data_type"
_SUMS: Final = ("rows", "value_count", "total", "low", "high", "counts")
# Every part sees the same state: hours marked later stay marked.
_RECOUNT: Final = f"""
    WITH hours AS MATERIALIZED (
        SELECT project_id, start FROM score_hours_due
        GROUP BY project_id, start ORDER BY project_id, start LIMIT {_HOURS}
    ), unmarked AS (
        DELETE FROM score_hours_due d USING hours h
        WHERE d.project_id = h.project_id AND d.start = h.start
    ), by_key AS (
        SELECT h.project_id, h.start, s.trace_environment AS environment, s.name, s.source,
            s.data_type, {_KEY} AS key, count(*) AS rows, count(s.value) AS value_count,
            sum(s.value) AS total, min(s.value) AS low, max(s.value) AS high
        FROM hours h JOIN scores s ON s.project_id = h.project_id
            AND s.trace_start >= h.start AND s.trace_start < h.start + interval '1 hour'
        GROUP BY 1, 2, 3, 4, 5, 6, 7
    ), counted AS MATERIALIZED (
        SELECT {_OF_HOUR}, sum(rows)::bigint AS rows, sum(value_count)::bigint AS value_count,
            sum(total) AS total, min(low) AS low, max(high) AS high, coalesce(array_agg(
                key * {1 << COUNT_BITS} + value_count
            ) FILTER (WHERE key IS NOT NULL), '{{}}') AS counts
        FROM by_key GROUP BY {_OF_HOUR}
    ), emptied AS (
        DELETE FROM score_hours c USING hours h
        WHERE c.project_id = h.project_id AND c.start = h.start AND NOT EXISTS (
            SELECT FROM counted n WHERE ({", ".join(f"n.{name}" for name in _OF_HOUR.split(", "))})
                = ({", ".join(f"c.{name}" for name in _OF_HOUR.split(", "))})
        )
    )
    INSERT INTO score_hours ({_OF_HOUR}, {", ".join(_SUMS)})
    SELECT {_OF_HOUR}, {", ".join(_SUMS)} FROM counted
    ON CONFLICT ({_OF_HOUR}) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _SUMS)}
"""  # noqa: S608 - composed of constants


def recount_all(url: str, wait: Callable[[float], bool]) -> None:
    """Recount the marked hours until none is or ``wait(seconds)`` returns True."""
    with psycopg.connect(url) as connection:
        while recount_some(connection) and not wait(_PAUSE):
            pass


def recount_some(connection: psycopg.Connection[Any]) -> bool:
    """Recount the first marked hours, and commit; False: none is left, or another server does."""
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        if cursor.execute(_LOCK).fetchone() != (True,):
            return False
        cursor.execute(_RECOUNT.encode())
        return cursor.execute(DUE).fetchone() is not None
