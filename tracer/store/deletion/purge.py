"""Deletes the rows of deleted traces and sessions from all tables, with psycopg alone.

A delete first removes the trace's own row in one short transaction; its other rows are deleted
here, since a million rows take seconds. The background worker completes interrupted purges.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from tracer.store.counters.fold_sql import HAS_EXAMPLES, REMOVE_EXAMPLES, SUBTRACT_TRACE
from tracer.store.database.locks import lock_keys

# From PostgreSQL's catalogue instead of a list in the code, so that no later table is missed.
_TABLES = """
    SELECT c.relname, EXISTS (
        SELECT FROM pg_attribute b WHERE b.attrelid = c.oid AND b.attname = 'trace_id'
    ) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND c.relnamespace = current_schema()::regnamespace
        AND a.attname = %s AND c.relname <> ALL(%s)
    ORDER BY c.relname
"""

# Each worker claims one tombstoned trace (SKIP LOCKED) and deletes all of it; others skip to the
# next.
_NEXT = """
    SELECT project_id, trace_id FROM tombstones
    WHERE trace_id IS NOT NULL AND deleted_at < now() - make_interval(secs => %s)
    ORDER BY deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_CLAIM = """
    SELECT FROM tombstones WHERE project_id = %s AND trace_id = %s FOR UPDATE
"""
_PURGED = "UPDATE tombstones SET trace_id = NULL WHERE project_id = %s AND trace_id = %s"
_EXPIRE = """
    DELETE FROM tombstones WHERE trace_id IS NULL AND deleted_at < now() - interval '1 day'
"""

# Media rows are locked before the uses are read: an announcement of another use holds that lock.
_MEDIA = """
    SELECT media_id FROM media WHERE project_id = %(project_id)s AND media_id IN (
        SELECT u.media_id FROM media_uses u
        WHERE u.project_id = %(project_id)s AND u.trace_id = %(trace_id)s
    ) ORDER BY media_id FOR UPDATE
"""
_UNUSED = """
    WITH gone AS (
        DELETE FROM media m WHERE m.project_id = %s AND m.media_id = ANY(%s) AND NOT EXISTS (
            SELECT FROM media_uses u
            WHERE u.project_id = m.project_id AND u.media_id = m.media_id
        ) RETURNING m.project_id, m.media_id
    )
    DELETE FROM media_chunks c USING gone
    WHERE c.project_id = gone.project_id AND c.media_id = gone.media_id
"""

# The request that deletes a trace also purges it; after this time the worker takes over.
GRACE_SECONDS = 60


def purge_trace(connection: psycopg.Connection[Any], project_id: str, trace_id: str) -> None:
    """Delete all rows of a deleted trace, and subtract its spans from the counters."""
    with connection.transaction():
        if connection.execute(_CLAIM, (project_id, trace_id)).fetchone() is not None:
            _purge(connection, project_id, trace_id)


def purge_pending(connection: psycopg.Connection[Any]) -> int:
    """Purge the traces whose delete was interrupted; return their number."""
    count = 0
    while True:
        with connection.transaction():
            row = connection.execute(_NEXT, [GRACE_SECONDS]).fetchone()
            if row is None:
                return count
            _purge(connection, *row)
        count += 1


def expire_tombstones(connection: psycopg.Connection[Any]) -> None:
    """Delete tombstones that are a day old, so that the ids can be used again."""
    connection.execute(_EXPIRE)


def purge_session(connection: psycopg.Connection[Any], project_id: str, session_id: str) -> None:
    """Delete the rows that belong to the session and to none of its traces.

    Runs in the caller's transaction.
    """
    tables = connection.execute(_TABLES, ("session_id", ["sessions", "traces"])).fetchall()
    for name, has_trace in tables:
        query = "DELETE FROM {} WHERE project_id = %s AND session_id = %s"
        if has_trace:
            query += " AND trace_id = ''"
        connection.execute(_named(query, name), (project_id, session_id))


def _purge(connection: psycopg.Connection[Any], project_id: str, trace_id: str) -> None:
    key = project_id, trace_id
    # Waits for transactions that locked the trace before it was deleted and still write to it.
    lock_keys(connection, [key], exclusive=True)
    values = {"project_id": project_id, "trace_id": trace_id}
    connection.execute(SUBTRACT_TRACE, key)
    media = [media_id for (media_id,) in connection.execute(_MEDIA, values).fetchall()]
    tables = connection.execute(_TABLES, ("trace_id", ["tombstones", "traces"])).fetchall()
    for name, _ in tables:
        connection.execute(
            _named("DELETE FROM {} WHERE project_id = %s AND trace_id = %s", name), key
        )
    if media:
        connection.execute(_UNUSED, (project_id, media))
    # Repeated: a compaction may replace rows that this update waits for by a row it doesn't see.
    while connection.execute(HAS_EXAMPLES, values).fetchone() == (True,):
        connection.execute(REMOVE_EXAMPLES, values)
    connection.execute(_PURGED, key)


def _named(query: str, table: str) -> sql.Composed:
    return sql.SQL(query).format(sql.Identifier(table))
