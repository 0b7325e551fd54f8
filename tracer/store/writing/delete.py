"""Deletes traces and sessions, and counts what a delete would remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from tracer.extensions import db
from tracer.merging.arrivals import SessionContribution
from tracer.merging.figures import Figures
from tracer.store.database import locks
from tracer.store.database.session import own_connection
from tracer.store.deletion import purge, tombstones
from tracer.store.rollups.note_changes import note_deletes
from tracer.store.schema import comments, scores, sessions, shares, traces
from tracer.store.scores import trace_fields
from tracer.store.writing import load, save

# Number of traces deleted in one transaction, during which writers of these traces wait.
_STEP_TRACES: Final = 200
_ANNOTATIONS: Final = (scores, comments, shares)

_EMPTY_SESSIONS: Final = """
    SELECT k.session_id FROM unnest(%b::text[]) k (session_id)
    WHERE NOT EXISTS (SELECT FROM sessions s
        WHERE s.project_id = %s AND s.session_id = k.session_id)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """Numbers of the objects that a delete removes."""

    traces: int
    spans: int
    scores: int
    comments: int
    shares: int


def trace_contents(project_id: str, trace_id: str) -> Contents | None:
    """Return the contents of a trace; None: the project has no such trace."""
    where = (traces.c.project_id == project_id, traces.c.trace_id == trace_id)
    spans = db.session.scalar(sa.select(traces.c.span_count).where(*where))
    if spans is None:
        return None
    counts = {
        table.name: _count(table, table.c.project_id == project_id, table.c.trace_id == trace_id)
        for table in _ANNOTATIONS
    }
    return Contents(traces=1, spans=spans, **counts)


def session_contents(project_id: str, session_id: str) -> Contents | None:
    """Return the contents of a session and its traces; None: the project has no such session."""
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
        for table in _ANNOTATIONS
    }
    return Contents(traces=row.trace_count, spans=row.span_count, **counts)


def delete_trace(project_id: str, trace_id: str) -> bool:
    """Delete a trace with everything that belongs to it; return whether it existed.

    Late spans of the trace are rejected for a day. A session without other traces is deleted too.
    """
    return delete_all(project_id, [trace_id]) > 0


def delete_all(project_id: str, trace_ids: Sequence[str]) -> int:
    """Delete several traces, as `delete_trace` does; return how many existed."""
    with own_connection() as connection:
        return sum(
            delete_traces(connection, project_id, trace_ids[start : start + _STEP_TRACES])
            for start in range(0, len(trace_ids), _STEP_TRACES)
        )


def delete_session(project_id: str, session_id: str) -> bool:
    """Delete a session with all its traces; return whether it had any."""
    query = (
        "SELECT trace_id FROM traces WHERE project_id = %s AND session_id = %s"  # noqa: S608 - composed of constants; values are bound
        f" ORDER BY start_time LIMIT {_STEP_TRACES}"
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
    """Delete these traces; return how many existed. `connection` must not be in a transaction."""
    keys = [(project_id, trace_id) for trace_id in sorted(trace_ids)]
    with connection.transaction():
        # The lock keeps other transactions from writing to them; waiting writers find tombstones.
        locked = load.lock_traces(connection, keys)
        figures = {key: Figures.of(trace) for key, trace in locked.items()}
        note_deletes(connection, figures)
        tombstones.add_tombstones(connection, locked)
        save.remove_traces(connection, locked)
        trace_fields.note_deletes(connection, locked)
        save.save_sessions(
            connection,
            (
                (project_id, SessionContribution.of(trace, figures[key]), None)
                for key, trace in locked.items()
            ),
        )
        _drop_sessions(connection, project_id, {trace.session_id for trace in locked.values()})
    for key in locked:
        purge.purge_trace(connection, *key)
    return len(locked)


def _drop_sessions(
    connection: psycopg.Connection[Any], project_id: str, candidates: set[str | None]
) -> None:
    """Delete the annotations and scores of the sessions that have just lost their last trace."""
    session_ids = sorted(session_id for session_id in candidates if session_id)
    locks.lock_keys(
        connection, [(project_id, session_id) for session_id in session_ids], exclusive=True
    )
    for (session_id,) in connection.execute(_EMPTY_SESSIONS, (session_ids, project_id)).fetchall():
        purge.purge_session(connection, project_id, session_id)


def _count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0
