"""Adds the traces from before the rollups to them, a few at a time, while the server runs.

Imports psycopg alone: the background worker calls it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.rows import tuple_row

from tracer.store.rollups.append import append_anyway
from tracer.store.rollups.stored import add_stored_trace
from tracer.store.rollups.sums import Deltas

DUE: Final = "SELECT 1 FROM background_upgrades WHERE name = 'rollups' AND finished_at IS NULL"
_TRACES: Final = 50
"""Traces counted in one transaction; no other transaction writes traces meanwhile."""
_PAUSE: Final = 0.02
"""Seconds between two transactions, so that writers are not kept waiting."""

# One server counts at a time; another one skips.
_POSITION: Final = """
    SELECT position FROM background_upgrades
    WHERE name = 'rollups' AND finished_at IS NULL FOR UPDATE SKIP LOCKED
"""
# Waits for the transactions that do or do not append, depending on the position.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('count traces', 4))"
_NEXT: Final = f"""
    SELECT project_id, trace_id FROM traces WHERE (project_id, trace_id) > (%s, %s)
    ORDER BY project_id, trace_id LIMIT {_TRACES}
"""  # noqa: S608 - composed of constants; values are bound
_ADVANCE: Final = """
    UPDATE background_upgrades SET position = %s, rows_done = rows_done + %s
    WHERE name = 'rollups'
"""
_FINISH: Final = "UPDATE background_upgrades SET finished_at = now() WHERE name = 'rollups'"
_PROGRESS: Final = """
    SELECT rows_done, greatest(rows_total, rows_done) FROM background_upgrades
    WHERE name = 'rollups' AND finished_at IS NULL
"""


class Progress(NamedTuple):
    """Traces that were counted, and about how many there are."""

    done: int
    total: int


def read_progress(connection: psycopg.Connection[Any]) -> Progress | None:
    """Return how far the count is; None: every trace is counted."""
    row = connection.execute(_PROGRESS).fetchone()
    return None if row is None else Progress(*row)


def count_all(url: str, wait: Callable[[float], bool]) -> None:
    """Count traces until all are counted or ``wait(seconds)`` returns True: time to stop."""
    with psycopg.connect(url) as connection:
        while count_some(connection) and not wait(_PAUSE):
            pass


def count_some(connection: psycopg.Connection[Any]) -> bool:
    """Count the next traces, and commit; False: there are none, or another server counts."""
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_POSITION).fetchone()
        if row is None:
            return False
        cursor.execute(_LOCK)
        keys = cursor.execute(_NEXT.encode(), row[0]).fetchall()
        if not keys:
            cursor.execute(_FINISH)
            return False
        sums: dict[str, Deltas] = defaultdict(Deltas)
        for key in keys:
            add_stored_trace(connection, sums[key[0]], key)
        append_anyway(connection, sums)
        cursor.execute(_ADVANCE, (list(keys[-1]), len(keys)))
    return True
