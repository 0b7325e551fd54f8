"""Purges the rows of deleted projects in small steps, so that no lock is held for long.

Imports psycopg alone: the background worker calls it.
"""

from __future__ import annotations

import threading
from typing import Any, Final

import psycopg
from psycopg import sql

DUE: Final = "SELECT 1 FROM projects WHERE deleted_at IS NOT NULL LIMIT 1"
_STEP_ROWS: Final = 5_000
_TABLES: Final = """
    SELECT c.table_name FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = current_schema() AND c.column_name = 'project_id'
        AND t.table_type = 'BASE TABLE' AND c.table_name <> 'projects'
"""
_DELETE: Final = """
    DELETE FROM {table} WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM {table} WHERE project_id = %s LIMIT {step}
    ))
"""


def purge_projects(connection: psycopg.Connection[Any], stop: threading.Event) -> None:
    """Purge the remaining rows of deleted projects; `connection` must be in autocommit mode.

    Each step is a transaction of its own, so an interrupted purge resumes with the next call.
    """
    deleted = connection.execute("SELECT project_id FROM projects WHERE deleted_at IS NOT NULL")
    for (project_id,) in deleted.fetchall():
        tables = [row[0] for row in connection.execute(_TABLES.encode())]
        if all(_purge_table(connection, table, project_id, stop) for table in tables):
            connection.execute(
                "DELETE FROM projects WHERE project_id = %s AND deleted_at IS NOT NULL",
                [project_id],
            )


def _purge_table(
    connection: psycopg.Connection[Any], table: str, project_id: str, stop: threading.Event
) -> bool:
    """Delete all rows of a project from a table; return False if `stop` was set before the end."""
    step = sql.SQL(_DELETE).format(table=sql.Identifier(table), step=sql.Literal(_STEP_ROWS))
    while not stop.is_set():
        if connection.execute(step, [project_id]).rowcount < _STEP_ROWS:
            return True
    return False
