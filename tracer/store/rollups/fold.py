"""Adds the changes that writers appended to the rollups of minutes, hours and days.

Uses no SQLAlchemy, so that the background worker stays small.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import msgspec
import psycopg
from psycopg.rows import dict_row, tuple_row

from tracer.store.rollups import users
from tracer.store.rollups.changes import add_changes
from tracer.store.rollups.sums import (
    ERROR,
    HISTOGRAMS,
    KEYED_SUMS,
    NUMBERS,
    SPAN,
    TRACE,
    USER,
    MinuteSums,
    Series,
    Sums,
    pack_counts,
    unpack_counts,
)
from tracer.times import EPOCH, from_micros, json_time

RETENTION_MINUTES: Final = 50 * 60
"""Rollups of minutes are deleted after this time; queries over up to two days read them."""
BATCH_TRANSACTIONS: Final = 500
"""Number of transactions whose changes are added in one transaction of the worker."""
WIDTH_MINUTES: Final = {"m": 1, "h": 60, "d": 24 * 60}
"""The length of each width of rollups."""
_WIDTHS: Final = {TRACE: "mhd", SPAN: "mhd", ERROR: "mhd", USER: "d"}

_TAKE: Final = f"""
    DELETE FROM rollup_changes c USING (
        SELECT project_id, change FROM rollup_changes
        ORDER BY project_id, change LIMIT {BATCH_TRANSACTIONS}
    ) t
    WHERE c.project_id = t.project_id AND c.change = t.change
    RETURNING c.project_id, c.records
"""  # noqa: S608 - composed of constants
# Written by previous-version servers, which run beside this one during a rolling upgrade.
_TAKE_OLD: Final = "DELETE FROM rollup_deltas RETURNING project_id, sums::text"
_READ: Final = f"""
    SELECT r.width, r.series, r.start, {", ".join((*NUMBERS, *KEYED_SUMS))} FROM rollups r
    JOIN unnest(%b::text[], %b::bigint[], %b::timestamptz[]) k (width, series, start)
        USING (width, series, start)
    WHERE r.project_id = %s
"""  # noqa: S608 - composed of constants; values are bound
_COLUMNS: Final = ", ".join(
    [
        "project_id text, width text, series bigint, start timestamptz",
        *(f"{name} {'numeric' if name == 'cost' else 'bigint'}" for name in NUMBERS),
        *(f"{name} bigint[]" for name in HISTOGRAMS),
        "usage jsonb",
    ]
)
_NAMES: Final = ("project_id", "width", "series", "start", *NUMBERS, *KEYED_SUMS)
_WRITE: Final = f"""
    INSERT INTO rollups ({", ".join(_NAMES)})
    SELECT {", ".join(_NAMES)} FROM json_to_recordset(%s::json) AS r ({_COLUMNS})
    ON CONFLICT (project_id, width, series, start) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in (*NUMBERS, *KEYED_SUMS))}
"""  # noqa: S608 - composed of constants; values are bound
_DROP: Final = """
    DELETE FROM rollups r USING unnest(%b::text[], %b::bigint[], %b::timestamptz[])
        k (width, series, start)
    WHERE r.project_id = %s AND r.width = k.width AND r.series = k.series AND r.start = k.start
"""
_ADD_SERIES: Final = """
    INSERT INTO rollup_series
        (project_id, series, grain, whole, kind, name, environment, model, provider)
    SELECT * FROM json_to_recordset(%s::json) AS s (project_id text, series bigint, grain text,
        whole boolean, kind text, name text, environment text, model text, provider text)
    ON CONFLICT DO NOTHING
"""
_DELETE_OLD_MINUTES: Final = f"""
    DELETE FROM rollups WHERE width = 'm' AND start < now() - interval '{RETENTION_MINUTES} minutes'
"""  # noqa: S608 - composed of constants
DUE: Final = "SELECT 1 FROM rollup_changes UNION ALL SELECT 1 FROM rollup_deltas LIMIT 1"

RollupKey = tuple[str, int, int]
"""(width, series, minutes since the epoch)"""
_SERIES: Final = ("grain", "kind", "name", "environment", "model", "provider")
_decoder: Final = msgspec.json.Decoder(list[dict[str, Any]], float_hook=Decimal)
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def fold_all(url: str, stopped: Callable[[], bool]) -> None:
    """Add all appended changes to the rollups, and delete old minutes."""
    with psycopg.connect(url) as connection:
        while fold(connection) and not stopped():
            pass
        with connection.transaction():
            connection.execute(_DELETE_OLD_MINUTES.encode())


def fold(connection: psycopg.Connection[Any]) -> bool:
    """Add the changes of up to `BATCH_TRANSACTIONS` transactions; return whether more may be left.

    False also while another server folds. Commits: a batch is a transaction of the worker's own.
    """
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        # Only one server folds at a time; others return at once.
        if cursor.execute(users.LOCK).fetchone() != (True,):
            return False
        taken = cursor.execute(_TAKE.encode()).fetchall()
        by_project: dict[str, MinuteSums] = defaultdict(MinuteSums)
        for project_id, records in taken:
            add_changes(by_project[project_id], records)
        for project_id, sums in cursor.execute(_TAKE_OLD).fetchall():
            _add_old(by_project[project_id], sums)
        for project_id, minute_sums in by_project.items():
            add_sums(connection, project_id, minute_sums)
            users.recount_users(connection, project_id, minute_sums.user_days())
    return len(taken) == BATCH_TRANSACTIONS


def series_id(whole: bool, series: Series) -> int:
    """Return the id of a series, a hash of its columns; ``whole``: it sums over all names."""
    text = msgspec.json.encode((whole, *series))
    return int.from_bytes(blake2b(text, digest_size=8).digest(), signed=True)


def add_sums(connection: psycopg.Connection[Any], project_id: str, minute_sums: MinuteSums) -> None:
    """Add sums of minutes to the stored minutes (unless they are too old), hours and days."""
    known: dict[int, dict[str, Any]] = {}
    added: dict[RollupKey, Sums] = {}
    oldest = time.time() // 60 - RETENTION_MINUTES
    for (minute, series), sums in minute_sums.rows():
        for stored_series, width in _series_of(project_id, series, known):
            if width == "m" and minute < oldest:
                continue
            key = width, stored_series, minute - minute % WIDTH_MINUTES[width]
            own = added.get(key)
            if own is None:
                own = added[key] = Sums()
            own.merge(sums)
    connection.execute(_ADD_SERIES, [_encoder.encode(list(known.values())).decode()])
    stored = _read(connection, project_id, added)
    for key, sums in stored.items():
        added[key].merge(sums)
    empty = [key for key, sums in added.items() if sums.empty]
    rows = [_row(project_id, key, sums) for key, sums in added.items() if not sums.empty]
    connection.execute(_WRITE, [_encoder.encode(rows).decode()])
    if gone := [key for key in empty if key in stored]:
        connection.execute(_DROP, [*_columns(gone), project_id])


def _add_old(minute_sums: MinuteSums, sums: str) -> None:
    for row in _decoder.decode(sums):
        key: Any = row["minute"], tuple(row.get(name) for name in _SERIES)
        minute_sums.sums_for(key).merge(sums_of_row(row))


def sums_of_row(row: Mapping[str, Any]) -> Sums:
    """Return the sums of a stored row, a dict by column."""
    sums = Sums(usage=dict(row.get("usage") or {}))
    for name in NUMBERS:
        setattr(sums, name, row.get(name, 0))
    for name in HISTOGRAMS:
        setattr(sums, name, unpack_counts(row.get(name)))
    sums.cost = Decimal(sums.cost)
    return sums


def _series_of(
    project_id: str, series: Series, known: dict[int, dict[str, Any]]
) -> Iterable[tuple[int, str]]:
    """Yield the (series id, width) to which sums of a series are added; put the series in `known`.

    Series of traces and spans have a second one that sums over all names and providers.
    """
    grain, kind, _, environment, model, _ = series
    levels = [(False, series)]
    if grain in (TRACE, SPAN):
        levels.append((True, (grain, kind, None, environment, model, None)))
    for whole, own in levels:
        number = series_id(whole, own)
        known[number] = {
            "project_id": project_id,
            "series": number,
            "grain": grain,
            "whole": whole,
            "kind": kind,
            "name": own[2],
            "environment": environment,
            "model": model,
            "provider": own[5],
        }
        yield from ((number, width) for width in _WIDTHS[grain])


def _read(
    connection: psycopg.Connection[Any], project_id: str, keys: Iterable[RollupKey]
) -> dict[RollupKey, Sums]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_READ, [*_columns(keys), project_id]).fetchall()
    return {
        (row["width"], row["series"], (row["start"] - EPOCH).total_seconds() // 60): sums_of_row(
            row
        )
        for row in rows
    }


def _columns(keys: Iterable[RollupKey]) -> list[list[Any]]:
    listed = list(keys)
    starts = [from_micros(minute * 60_000_000) for _, _, minute in listed]
    return [[key[0] for key in listed], [key[1] for key in listed], starts]


def _row(project_id: str, key: RollupKey, sums: Sums) -> dict[str, Any]:
    width, series, minute = key
    return {
        "project_id": project_id,
        "width": width,
        "series": series,
        "start": json_time(from_micros(minute * 60_000_000)),
        **{name: getattr(sums, name) for name in NUMBERS},
        # As the text of a PostgreSQL array: a JSON array would be cast element by element.
        **{name: _array(pack_counts(getattr(sums, name))) for name in HISTOGRAMS},
        "usage": {name: number for name, number in sums.usage.items() if number},
    }


def _array(values: list[int]) -> str:
    return "{" + ",".join(map(str, sorted(values))) + "}"
