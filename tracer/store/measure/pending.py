"""Reads pending changes: appended by transactions, not yet added to the rollups by the worker."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tracer.extensions import db
from tracer.store.rollups.changes import MAX_PENDING, add_changes
from tracer.store.rollups.sums import HISTOGRAMS, NUMBERS, Key, MinuteSums, Sums, pack_counts
from tracer.store.schema import rollup_changes

KEYS: Final = ("kind", "name", "environment", "model", "provider")
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def pending_sums(project_id: str, grain: str) -> sa.Select[Any]:
    """Return the query for the sums of the appended changes, in the columns of the rollups.

    They are summed in Python and passed to the query as a parameter. The query skips changes that
    the worker has added meanwhile, so that no change is counted twice.
    """
    chosen = rollup_changes.c.project_id == project_id
    appended = db.session.execute(
        sa.select(rollup_changes.c.change, rollup_changes.c.records).where(chosen)
    )
    texts = [_rows_text(change, records).get(grain, "") for change, records in appended]
    text = "[" + ",".join(text for text in texts if text) + "]"
    rows = (
        sa.func.json_to_recordset(sa.cast(sa.literal(text), sa.JSON))
        .table_valued(
            sa.column("change", sa.BigInteger),
            sa.column("minute", sa.BigInteger),
            *(sa.column(name, sa.Text) for name in KEYS),
            *(sa.column(name, sa.Numeric if name == "cost" else sa.BigInteger) for name in NUMBERS),
            *(sa.column(name, ARRAY(sa.BigInteger)) for name in HISTOGRAMS),
            sa.column("usage", JSONB),
            name="pending",
        )
        .render_derived(with_types=True)
    )
    empty = sa.cast(sa.literal_column("'{}'"), ARRAY(sa.BigInteger))
    return (
        sa.select(
            sa.func.to_timestamp(rows.c.minute * 60).label("start"),
            *(rows.c[name] for name in KEYS),
            *(sa.func.coalesce(rows.c[name], 0).label(name) for name in NUMBERS),
            *(sa.func.coalesce(rows.c[name], empty).label(name) for name in HISTOGRAMS),
            rows.c.usage,
        )
        .select_from(rollup_changes.join(rows, rows.c.change == rollup_changes.c.change))
        .where(chosen)
    )


@lru_cache(MAX_PENDING)
def _rows_text(change: int, records: bytes) -> dict[str, str]:
    """Return the rows of a transaction by what they count, as JSON objects between commas."""
    minute_sums = MinuteSums()
    add_changes(minute_sums, records)
    by_grain: dict[str, list[dict[str, Any]]] = {}
    for key, sums in minute_sums.rows():
        by_grain.setdefault(key[1][0], []).append(_row(change, key, sums))
    return {grain: _joined(rows) for grain, rows in by_grain.items()}


def _joined(rows: Iterable[dict[str, Any]]) -> str:
    return ",".join(_encoder.encode(row).decode() for row in rows)


def _row(change: int, key: Key, sums: Sums) -> dict[str, Any]:
    minute, (_, kind, name, environment, model, provider) = key
    row: dict[str, Any] = {"change": change, "minute": minute, "environment": environment}
    own = {"kind": kind, "name": name, "model": model, "provider": provider}
    row |= {column: value for column, value in own.items() if value is not None}
    row |= {field: number for field in NUMBERS if (number := getattr(sums, field))}
    for field in HISTOGRAMS:
        if counts := getattr(sums, field):
            row[field] = pack_counts(counts)
    if usage := {name: number for name, number in sums.usage.items() if number}:
        row["usage"] = usage
    return row
