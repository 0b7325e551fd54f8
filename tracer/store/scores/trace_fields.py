"""Keeps the start and the environment of a trace in the rows of its scores.

NULL: not filled in, so that readers join the trace. A score has them only if they are right: the
worker fills them in while it has the trace's row locked against writers, and a writer that changes
them, or deletes the trace, changes its scores in the same transaction. All of these mark the hours
of the scores as changed. Imports
psycopg alone: the background worker calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from tracer.merging.arrivals import Change
from tracer.store.database.background_upgrade import BackgroundUpgrade, run_steps
from tracer.store.database.keys import TraceKey, columns_of
from tracer.store.rollups import score_hours
from tracer.times import sql_time

UPGRADE: Final = BackgroundUpgrade("scores", since="0035")
MAX_NAME_BYTES: Final = 600
"""In bytes. An index holds the names of the scores that are filled in."""
_SCORES: Final = 500
"""Scores looked at in one transaction."""
_MAX_STEPS: Final = 40
"""Transactions of one run, most of which find nothing where many scores never get a trace."""
_PAUSE: Final = 0.02
"""Seconds between two transactions."""
_FIRST: Final = ("", "", "")

# A locked trace is being written: its scores are filled in later instead of waiting for it.
LOCKED_TRACES: Final = """
    SELECT t.project_id, t.trace_id, t.start_time, t.environment FROM traces t
    JOIN (SELECT DISTINCT project_id, trace_id FROM {}) k USING (project_id, trace_id)
    FOR SHARE OF t SKIP LOCKED
"""
_NOT_FILLED: Final = f"""
    trace_start IS NULL AND trace_id <> '' AND octet_length(name) <= {MAX_NAME_BYTES}
"""
DUE: Final = f"""
    SELECT 1 FROM scores WHERE {_NOT_FILLED} ORDER BY project_id, trace_id, score_id LIMIT 1
"""  # noqa: S608 - composed of constants
_KEYS: Final = "SELECT project_id, trace_id, score_id FROM k ORDER BY 1, 2, 3"
_FILL_ALL: Final = f"""
    WITH k AS MATERIALIZED (
        SELECT project_id, trace_id, score_id, name FROM scores
        WHERE (project_id, trace_id, score_id) > (%s, %s, %s) AND trace_id <> ''
        ORDER BY project_id, trace_id, score_id LIMIT {_SCORES} FOR UPDATE
    ),
    t AS MATERIALIZED ({LOCKED_TRACES.format("k")}),
    filled AS (
        UPDATE scores s SET trace_start = t.start_time, trace_environment = t.environment
        FROM k LEFT JOIN t ON t.project_id = k.project_id AND t.trace_id = k.trace_id
            AND octet_length(k.name) <= {MAX_NAME_BYTES}
        WHERE s.project_id = k.project_id AND s.trace_id = k.trace_id AND s.score_id = k.score_id
            AND (s.trace_start, s.trace_environment) IS DISTINCT FROM (t.start_time, t.environment)
        RETURNING s.project_id, s.trace_start
    ),
    marked AS ({score_hours.MARK.format("filled")})
    {_KEYS}
"""  # noqa: S608 - composed of constants; values are bound
# Locks no score without a trace: thousands may never get one, and each run reads them again.
_FILL_REST: Final = f"""
    WITH k AS MATERIALIZED (
        SELECT project_id, trace_id, score_id FROM scores
        WHERE (project_id, trace_id, score_id) > (%s, %s, %s) AND {_NOT_FILLED}
        ORDER BY project_id, trace_id, score_id LIMIT {_SCORES}
    ),
    t AS MATERIALIZED ({LOCKED_TRACES.format("k")}),
    filled AS (
        UPDATE scores s SET trace_start = t.start_time, trace_environment = t.environment
        FROM k JOIN t ON t.project_id = k.project_id AND t.trace_id = k.trace_id
        WHERE s.project_id = k.project_id AND s.trace_id = k.trace_id AND s.score_id = k.score_id
            AND s.trace_start IS NULL AND octet_length(s.name) <= {MAX_NAME_BYTES}
        RETURNING s.project_id, s.trace_start
    ),
    marked AS ({score_hours.MARK.format("filled")})
    {_KEYS}
"""  # noqa: S608 - composed of constants; values are bound

_CHANGE: Final = f"""
    WITH changed AS (
        UPDATE scores s SET trace_start = k.start::timestamptz, trace_environment = k.environment
        FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[])
            k (project_id, trace_id, old_start, start, environment)
        WHERE s.project_id = k.project_id AND s.trace_id = k.trace_id AND s.trace_start IS NOT NULL
        RETURNING s.project_id, s.trace_start, k.old_start
    ),
    old_and_new AS (
        SELECT project_id, trace_start FROM changed
        UNION ALL SELECT project_id, old_start::timestamptz FROM changed
    )
    {score_hours.MARK.format("old_and_new")}
"""  # noqa: S608 - composed of constants; values are bound
_CLEAR: Final = f"""
    WITH old AS MATERIALIZED (
        SELECT s.project_id, s.trace_id, s.score_id, s.trace_start FROM scores s
        JOIN unnest(%b::text[], %b::text[]) k (project_id, trace_id) USING (project_id, trace_id)
        WHERE s.trace_start IS NOT NULL
        ORDER BY project_id, trace_id, score_id FOR UPDATE OF s
    ),
    cleared AS (
        UPDATE scores s SET trace_start = NULL, trace_environment = NULL FROM old o
        WHERE s.project_id = o.project_id AND s.trace_id = o.trace_id AND s.score_id = o.score_id
    )
    {score_hours.MARK.format("old")}
"""  # noqa: S608 - composed of constants; values are bound


def note_changes(connection: psycopg.Connection[Any], changes: Mapping[TraceKey, Change]) -> None:
    """Write the start and environment of the changed traces, which are locked, to their scores."""
    rows = []
    for key, change in changes.items():
        before, after = change.figures_before, change.final_figures()
        if before is not None and (before.start, before.environment) != (
            after.start,
            after.environment,
        ):
            starts = sql_time(before.start), sql_time(after.start)
            rows.append((*key, *starts, after.environment))
    if rows:
        connection.execute(_CHANGE.encode(), columns_of(rows, 5))


def note_deletes(connection: psycopg.Connection[Any], keys: Iterable[TraceKey]) -> None:
    """Take the start and environment of deleted traces, which are locked, out of their scores."""
    connection.execute(_CLEAR.encode(), columns_of(keys, 2))


def upgrade_all(url: str, wait: Callable[[float], bool]) -> None:
    """Fill in older scores until all are filled in or ``wait(seconds)`` returns True."""
    run_steps(url, upgrade_some, _PAUSE, wait)


def upgrade_some(connection: psycopg.Connection[Any]) -> bool:
    """Fill in the next scores, and commit; False: there are none, or this has to wait.

    Includes scores that are filled in: an older server may have changed their traces.
    """
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        position = UPGRADE.lock_position(cursor)
        if position is None:
            return False
        keys = cursor.execute(_FILL_ALL.encode(), position).fetchall()
        if not keys:
            cursor.execute(score_hours.MARK_ALL.encode())
            UPGRADE.finish(cursor)
            return False
        UPGRADE.advance(cursor, keys[-1], len(keys))
    return True


class Filler:
    """Fills in scores whose trace arrived after them or was locked, some at each run.

    The next run continues behind the last score: many may never get a trace.
    """

    def __init__(self) -> None:
        self._position: tuple[str, ...] = _FIRST

    def run(self, url: str, wait: Callable[[float], bool]) -> None:
        """Fill in scores to the end of the table, as many as one run may, or until stopped."""
        with psycopg.connect(url) as connection:
            for _ in range(_MAX_STEPS):
                if not self.fill_some(connection) or wait(_PAUSE):
                    return

    def fill_some(self, connection: psycopg.Connection[Any]) -> bool:
        """Fill in the next scores, and commit; False: the end of the table is reached."""
        with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
            keys = cursor.execute(_FILL_REST.encode(), self._position).fetchall()
        ended = len(keys) < _SCORES
        self._position = _FIRST if ended else keys[-1]
        return not ended
