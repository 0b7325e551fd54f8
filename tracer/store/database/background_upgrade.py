"""Steps of a change to stored rows that the worker makes after an upgrade, while the server runs.

Imports psycopg alone: the background worker calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import psycopg

_DUE: Final = "SELECT 1 FROM background_upgrades WHERE name = '{}' AND finished_at IS NULL"
# One server works at a time; another one skips.
_POSITION: Final = """
    SELECT position FROM background_upgrades
    WHERE name = %s AND finished_at IS NULL FOR UPDATE SKIP LOCKED
"""
_ADVANCE: Final = """
    UPDATE background_upgrades SET position = %s, rows_done = rows_done + %s WHERE name = %s
"""
_FINISH: Final = "UPDATE background_upgrades SET finished_at = now() WHERE name = %s"
_PROGRESS: Final = """
    SELECT rows_done, greatest(rows_total, rows_done) FROM background_upgrades
    WHERE name = %s AND finished_at IS NULL
"""


class Progress(NamedTuple):
    """Rows that were looked at, and about how many there are."""

    done: int
    total: int


class BackgroundUpgrade:
    """An upgrade that a row of `background_upgrades` requests and describes."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def due(self) -> str:
        """The query that returns a row while the upgrade is not finished."""
        return _DUE.format(self._name)

    def lock_position(self, cursor: psycopg.Cursor[Any]) -> list[str] | None:
        """Return the key of the last row that was looked at, for this transaction alone.

        None: the upgrade is finished, or another server works on it.
        """
        row = cursor.execute(_POSITION, (self._name,)).fetchone()
        return None if row is None else row[0]

    def advance(self, cursor: psycopg.Cursor[Any], position: Sequence[str], rows: int) -> None:
        """Note the new position, and how many rows lie between it and the one before."""
        cursor.execute(_ADVANCE, (list(position), rows, self._name))

    def finish(self, cursor: psycopg.Cursor[Any]) -> None:
        """Note that no rows are left."""
        cursor.execute(_FINISH, (self._name,))

    def read_progress(self, connection: psycopg.Connection[Any]) -> Progress | None:
        """Return how far the upgrade is; None: it is finished, or was never needed."""
        row = connection.execute(_PROGRESS, (self._name,)).fetchone()
        return None if row is None else Progress(*row)


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
