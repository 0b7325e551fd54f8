"""The rows that a deleted trace leaves behind, in whatever tables there are: psycopg alone.

A delete first takes the trace out of sight, in one short transaction; the rest goes here, since a
million rows take seconds. If that is cut short, the background worker goes on with it.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from tracer.store.counters.fold_sql import FORGET_EXAMPLES, HAS_EXAMPLES, UNCOUNT_TALLIES
from tracer.store.database.locks import lock_keys

# Not asked of our own list of tables: one that is added later must not be forgotten.
_TABLES = """
    SELECT c.relname, EXISTS (
        SELECT FROM pg_attribute b WHERE b.attrelid = c.oid AND b.attname = 'trace_id'
    ) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND c.relnamespace = current_schema()::regnamespace
        AND a.attname = %s AND c.relname <> ALL(%s)
    ORDER BY c.relname
"""

# Who sees a trace through to its end; the others take the next one.
_NEXT = """
    SELECT project_id, trace_id FROM tombstones
    WHERE trace_id IS NOT NULL AND deleted_at < now() - make_interval(secs => %s)
    ORDER BY deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_OWN = """
    SELECT FROM tombstones WHERE project_id = %s AND trace_id = %s FOR UPDATE
"""
_EMPTIED = "UPDATE tombstones SET trace_id = NULL WHERE project_id = %s AND trace_id = %s"
_FORGET = """
    DELETE FROM tombstones WHERE trace_id IS NULL AND deleted_at < now() - interval '1 day'
"""

# First locked, then looked for: who notes another use of one of them holds its row meanwhile.
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

# A request that deletes a trace is left the time to do so itself.
PATIENCE_SECONDS = 60


def empty(connection: psycopg.Connection[Any], project_id: str, trace_id: str) -> None:
    """Delete every row of a trace that is out of sight, and take it out of what was counted."""
    with connection.transaction():
        if connection.execute(_OWN, (project_id, trace_id)).fetchone() is not None:
            _empty(connection, project_id, trace_id)


def empty_left(connection: psycopg.Connection[Any]) -> int:
    """Empty the traces whose delete was cut short; return how many."""
    done = 0
    while True:
        with connection.transaction():
            row = connection.execute(_NEXT, [PATIENCE_SECONDS]).fetchone()
            if row is None:
                return done
            _empty(connection, *row)
        done += 1


def forget(connection: psycopg.Connection[Any]) -> None:
    """Let the ids of traces that were deleted a day ago be used again."""
    connection.execute(_FORGET)


def empty_session(connection: psycopg.Connection[Any], project_id: str, session_id: str) -> None:
    """Delete what hangs on a session itself, as part of the caller's transaction."""
    tables = connection.execute(_TABLES, ("session_id", ["sessions", "traces"])).fetchall()
    for name, has_trace in tables:
        query = "DELETE FROM {} WHERE project_id = %s AND session_id = %s"
        if has_trace:
            query += " AND trace_id = ''"
        connection.execute(_named(query, name), (project_id, session_id))


def _empty(connection: psycopg.Connection[Any], project_id: str, trace_id: str) -> None:
    key = project_id, trace_id
    # Who looked for the trace before it went out of sight, and adds to it still, is waited for.
    lock_keys(connection, [key], exclusive=True)
    names = {"project_id": project_id, "trace_id": trace_id}
    connection.execute(UNCOUNT_TALLIES, key)
    media = [media_id for (media_id,) in connection.execute(_MEDIA, names).fetchall()]
    tables = connection.execute(_TABLES, ("trace_id", ["tombstones", "traces"])).fetchall()
    for name, _ in tables:
        connection.execute(
            _named("DELETE FROM {} WHERE project_id = %s AND trace_id = %s", name), key
        )
    if media:
        connection.execute(_UNUSED, (project_id, media))
    # Asked anew each time: the worker may be folding rows that we wait for into one we don't see.
    while connection.execute(HAS_EXAMPLES, names).fetchone() == (True,):
        connection.execute(FORGET_EXAMPLES, names)
    connection.execute(_EMPTIED, key)


def _named(query: str, table: str) -> sql.Composed:
    return sql.SQL(query).format(sql.Identifier(table))
