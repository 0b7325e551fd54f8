"""Adds the traces that were stored before rollups existed, a few at a time, in the background.

Imports psycopg alone: the background worker calls it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from tracer.store.database.background_upgrade import BackgroundUpgrade, run_steps
from tracer.store.rollups.append import append_unconditionally
from tracer.store.rollups.changes import RawChanges
from tracer.store.rollups.stored import add_stored_trace

UPGRADE: Final = BackgroundUpgrade("rollups", since="0030")
_TRACES: Final = 50
"""Traces counted in one transaction; no other transaction writes traces meanwhile."""
_PAUSE: Final = 0.02
"""Seconds between two transactions, so that writers are not kept waiting."""

# Waits for the transactions that have read the position to decide whether to append their changes.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('count traces', 4))"
_NEXT: Final = f"""
    SELECT project_id, trace_id FROM traces WHERE (project_id, trace_id) > (%s, %s)
    ORDER BY project_id, trace_id LIMIT {_TRACES}
"""  # noqa: S608 - composed of constants; values are bound


def count_all(url: str, wait: Callable[[float], bool]) -> None:
    """Count traces until all are counted or ``wait(seconds)`` returns True, which stops it."""
    run_steps(url, count_some, _PAUSE, wait)


def count_some(connection: psycopg.Connection[Any]) -> bool:
    """Count the next traces, and commit; False: there are none, or another server counts."""
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        position = UPGRADE.lock_position(cursor)
        if position is None:
            return False
        cursor.execute(_LOCK)
        keys = cursor.execute(_NEXT.encode(), position).fetchall()
        if not keys:
            UPGRADE.finish(cursor)
            return False
        changes: dict[str, RawChanges] = defaultdict(RawChanges)
        for key in keys:
            add_stored_trace(connection, changes[key[0]], key)
        append_unconditionally(connection, changes)
        UPGRADE.advance(cursor, keys[-1], len(keys))
    return True
