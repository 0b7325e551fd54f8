"""Steps of a change to stored rows that the worker makes after an upgrade, while the server runs.

Imports psycopg alone: the background worker calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import psycopg

# Servers of before the revision, which still write rows as they were before it.
_OLDER: Final = """
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND application_name ~ '^tracer [0-9]+$'
        AND application_name < 'tracer {since}'
"""
_DUE: Final = f"""
    SELECT 1 FROM background_upgrades
    WHERE name = '{{name}}' AND finished_at IS NULL AND NOT EXISTS ({_OLDER})
"""  # noqa: S608 - composed of constants
# One server works at a time; another one skips.
_POSITION: Final = f"""
    SELECT position FROM background_upgrades
    WHERE name = '{{name}}' AND finished_at IS NULL AND NOT EXISTS ({_OLDER})
    FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - composed of constants
_ADVANCE: Final = """
    UPDATE background_upgrades SET position = %s, rows_done = rows_done + %s WHERE name = %s
"""
_FINISH: Final = "UPDATE background_upgrades SET finished_at = now() WHERE name = %s"
_PROGRESS: Final = """
    SELECT name, rows_done, greatest(rows_total, rows_done) FROM background_upgrades
    WHERE finished_at IS NULL ORDER BY name
"""


def application_name(revision: str) -> str:
    """Return the name under which a server whose newest revision this is connects."""
    return f"tracer {revision}"


class Progress(NamedTuple):
    """Rows that were looked at, and about how many there are."""

    done: int
    total: int


class BackgroundUpgrade:
    """An upgrade that a row of `background_upgrades` requests and describes.

    `since`: the revision that added the row. The upgrade begins when no server of an older revision
    is connected any more, so that all rows are written in the new form from then on.
    """

    def __init__(self, name: str, *, since: str) -> None:
        self._name = name
        self._since = since

    @property
    def due(self) -> str:
        """The query that returns a row while the upgrade is not finished."""
        return _DUE.format(name=self._name, since=self._since)

    def lock_position(self, cursor: psycopg.Cursor[Any]) -> list[str] | None:
        """Return the key of the last row that was looked at, for this transaction alone.

        None: the upgrade is finished, waits for older servers, or another server works on it.
        """
        query = _POSITION.format(name=self._name, since=self._since)
        row = cursor.execute(query.encode()).fetchone()
        return None if row is None else row[0]

    def advance(self, cursor: psycopg.Cursor[Any], position: Sequence[str], rows: int) -> None:
        """Note the new position, and how many rows lie between it and the one before."""
        cursor.execute(_ADVANCE, (list(position), rows, self._name))

    def finish(self, cursor: psycopg.Cursor[Any]) -> None:
        """Note that no rows are left."""
        cursor.execute(_FINISH, (self._name,))


def read_progress(connection: psycopg.Connection[Any]) -> dict[str, Progress]:
    """Return how far each upgrade is that is not finished, by its name."""
    rows = connection.execute(_PROGRESS).fetchall()
    return {name: Progress(done, total) for name, done, total in rows}


def run_steps(
    url: str,
    step: Callable[[psycopg.Connection[Any]], bool],
    pause: float,
    wait: Callable[[float], bool],
) -> None:
    """Take steps until one returns False or ``wait(pause)`` returns True: time to stop."""
    with psycopg.connect(url) as connection:
        while step(connection) and not wait(pause):
            pass
