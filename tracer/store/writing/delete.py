"""Deleting traces and sessions: what would go, and that it goes, whole and for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from tracer.extensions import db
from tracer.merging.arrivals import Share
from tracer.store.database import locks
from tracer.store.database.session import own_connection
from tracer.store.deletion import purge, tombstones
from tracer.store.schema import comments, scores, sessions, shares, traces
from tracer.store.writing import load, save

# As many as share a transaction: their writers wait meanwhile.
_AT_ONCE: Final = 200
_MARKS: Final = (scores, comments, shares)

_GONE_SESSIONS: Final = """
    SELECT k.session_id FROM unnest(%s::text[]) k (session_id)
    WHERE NOT EXISTS (SELECT FROM sessions s
        WHERE s.project_id = %s AND s.session_id = k.session_id)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What a delete takes away."""

    traces: int
    spans: int
    scores: int
    comments: int
    shares: int


def trace_contents(project_id: str, trace_id: str) -> Contents | None:
    """Return what there is of a trace, None: the project has no such trace."""
    where = (traces.c.project_id == project_id, traces.c.trace_id == trace_id)
    spans = db.session.scalar(sa.select(traces.c.span_count).where(*where))
    if spans is None:
        return None
    counts = {
        table.name: _count(table, table.c.project_id == project_id, table.c.trace_id == trace_id)
        for table in _MARKS
    }
    return Contents(traces=1, spans=spans, **counts)


def session_contents(project_id: str, session_id: str) -> Contents | None:
    """Return what there is of a session and its traces, None: the project has no such session."""
    where = (sessions.c.project_id == project_id, sessions.c.session_id == session_id)
    query = sa.select(sessions.c.trace_count, sessions.c.span_count).where(*where)
    row = db.session.execute(query).one_or_none()
    if row is None:
        return None
    own = sa.select(traces.c.trace_id).where(
        traces.c.project_id == project_id, traces.c.session_id == session_id
    )
    counts = {
        table.name: _count(
            table,
            table.c.project_id == project_id,
            sa.or_(table.c.session_id == session_id, table.c.trace_id.in_(own)),
        )
        for table in _MARKS
    }
    return Contents(traces=row.trace_count, spans=row.span_count, **counts)


def delete_trace(project_id: str, trace_id: str) -> bool:
    """Delete a trace with everything on it; return whether there was one.

    What comes late for it is refused for a day. A session that loses its last trace goes too.
    """
    with own_connection() as connection:
        return delete_traces(connection, project_id, [trace_id]) > 0


def delete_session(project_id: str, session_id: str) -> bool:
    """Delete a session with all its traces; return whether there was one."""
    query = (
        "SELECT trace_id FROM traces WHERE project_id = %s AND session_id = %s"
        f" ORDER BY start_time LIMIT {_AT_ONCE}"
    )
    deleted = 0
    with own_connection() as connection:
        while True:
            with connection.transaction():
                rows = connection.execute(query, (project_id, session_id)).fetchall()
            if not rows:
                return deleted > 0
            deleted += delete_traces(connection, project_id, [row[0] for row in rows])


def delete_traces(
    connection: psycopg.Connection[Any], project_id: str, trace_ids: Sequence[str]
) -> int:
    """Delete these traces; return how many there were. `connection` is in no transaction."""
    keys = [(project_id, trace_id) for trace_id in sorted(trace_ids)]
    with connection.transaction():
        # From here on nobody writes to them; and who waits for us will find the tombstone.
        locked = load.lock_traces(connection, keys)
        tombstones.bury(connection, locked)
        save.remove_traces(connection, locked)
        moves = [(project_id, Share.of(trace), None) for trace in locked.values()]
        save.save_sessions(connection, moves)
        _drop_sessions(connection, project_id, {trace.session_id for trace in locked.values()})
    for key in locked:
        purge.empty(connection, *key)
    return len(locked)


def _drop_sessions(
    connection: psycopg.Connection[Any], project_id: str, touched: set[str | None]
) -> None:
    """Delete what hangs on those of the sessions that have just lost their last trace."""
    names = sorted(name for name in touched if name)
    locks.hold(connection, [(project_id, name) for name in names], alone=True)
    for (name,) in connection.execute(_GONE_SESSIONS, (names, project_id)).fetchall():
        purge.empty_session(connection, project_id, name)


def _count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0
