"""Background upgrades: the worker rewrites stored rows in steps while the server runs.

Imports psycopg alone: the background worker calls it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import psycopg

# Connected servers of an older revision, which still write rows in the old form.
_OLDER: Final = """
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND application_name ~ '^tracer [0-9]+$'
        AND application_name < 'tracer {since}'
"""
_CHECK_SECONDS: Final = 10.0
_DUE: Final = f"""
    SELECT 1 FROM background_upgrades
    WHERE name = '{{name}}' AND finished_at IS NULL AND NOT EXISTS ({_OLDER})
"""  # noqa: S608 - composed of constants
# Only one server works at a time; others get no row.
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


class OlderServers:
    """Whether servers are connected that can't read what this version writes.

    Checked every ten seconds until none is left: no older server starts beside a newer one.
    """

    def __init__(self, since: str) -> None:
        """``since`` is the first revision whose servers can read it."""
        self._query = f"SELECT EXISTS ({_OLDER.format(since=since)})".encode()
        self._none = False
        self._checked_at = float("-inf")

    def connected(self, connection: psycopg.Connection[Any]) -> bool:
        """Return whether any is connected, or was when they were last looked for."""
        now = time.monotonic()
        if not self._none and now >= self._checked_at + _CHECK_SECONDS:
            self._none = connection.execute(self._query).fetchone() == (False,)
            self._checked_at = now
        return not self._none


class Progress(NamedTuple):
    """The number of processed rows, and about the number of all rows."""

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
        """Return the key of the last processed row, locked until the transaction ends.

        None: the upgrade is finished, waits for older servers, or another server works on it.
        """
        query = _POSITION.format(name=self._name, since=self._since)
        row = cursor.execute(query.encode()).fetchone()
        return None if row is None else row[0]

    def advance(self, cursor: psycopg.Cursor[Any], position: Sequence[str], rows: int) -> None:
        """Store the new position and add the number of rows processed since the previous one."""
        cursor.execute(_ADVANCE, (list(position), rows, self._name))

    def finish(self, cursor: psycopg.Cursor[Any]) -> None:
        """Mark the upgrade as finished."""
        cursor.execute(_FINISH, (self._name,))


def read_progress(connection: psycopg.Connection[Any]) -> dict[str, Progress]:
    """Return the progress of each unfinished upgrade by its name."""
    rows = connection.execute(_PROGRESS).fetchall()
    return {name: Progress(done, total) for name, done, total in rows}


def run_steps(
    url: str,
    step: Callable[[psycopg.Connection[Any]], bool],
    pause: float,
    wait: Callable[[float], bool],
) -> None:
    """Run steps until one returns False, or ``wait(pause)`` returns True to stop."""
    with psycopg.connect(url) as connection:
        while step(connection) and not wait(pause):
            pass
