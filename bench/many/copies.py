"""Fills tables with copies of a block of traces, and the rollups with their sums."""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg

from bench.many.block import END, Block, user_of_copy
from bench.many.rows import COLUMNS
from tracer.store.rollups import fold
from tracer.store.rollups.changes import add_changes
from tracer.store.rollups.sums import MINUTE, USER, MinuteSums

COPIED: Final = {**COLUMNS, "trace_words": "project_id trace_id words"}
"""Columns of the tables that are copied."""
_HOUR: Final = 60
_TAKE: Final = "DELETE FROM rollup_changes RETURNING records"
_BLOCK: Final = "CREATE TEMP TABLE block ON COMMIT DROP AS SELECT {columns} FROM {table}"
_COPY: Final = "INSERT INTO {table} ({columns}) SELECT {values} FROM block"


def copy_table(connection: psycopg.Connection[Any], block: Block, table: str) -> None:
    """Replace the block in a table by its copies, the earliest first."""
    names = COPIED[table].split()
    columns = ", ".join(names)
    # What is written to a table that the same transaction emptied needs no log of writes.
    with connection.transaction():
        connection.execute(_BLOCK.format(table=table, columns=columns).encode())
        connection.execute(f"TRUNCATE {table}".encode())
        for copy in reversed(range(block.copies)):
            changed = block.columns_of_copy(copy)
            values = ", ".join(changed.get(name, name) for name in names)
            statement = _COPY.format(table=table, columns=columns, values=values)
            connection.execute(statement.encode())


def add_rollups(connection: psycopg.Connection[Any], block: Block) -> None:
    """Add the sums of all copies of the block, whose changes were appended, to the rollups."""
    minutes = MinuteSums()
    for (records,) in connection.execute(_TAKE).fetchall():
        add_changes(minutes, records)
    hours = _by_hour(minutes)
    kept_from = int(time.time()) * 1_000_000 - fold.RETENTION_MINUTES * MINUTE
    for copy in range(block.copies):
        ends = END - copy * block.hours * _HOUR * MINUTE
        minute_sums = minutes if ends > kept_from else hours
        with connection.transaction():
            fold.add_sums(connection, "default", _of_copy(minute_sums, block, copy))


def _by_hour(minutes: MinuteSums) -> MinuteSums:
    hours = MinuteSums()
    for (minute, series), sums in minutes.rows():
        hours.sums_for((minute - minute % _HOUR, series)).merge(sums)
    return hours


def _of_copy(minute_sums: MinuteSums, block: Block, copy: int) -> MinuteSums:
    copied = MinuteSums()
    for (minute, (grain, kind, name, *others)), sums in minute_sums.rows():
        if grain == USER and name is not None:
            name = user_of_copy(name, copy)
        key: Any = minute - copy * block.hours * _HOUR, (grain, kind, name, *others)
        copied.sums[key] = sums
    return copied
