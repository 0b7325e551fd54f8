"""Reads stored analyses of large traces, together with whether they are current."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.extensions import db
from tracer.store.schema import analyses


class StoredRows(NamedTuple):
    """The stored rows; empty while the trace has changed since its last analysis."""

    current: bool
    rows: Sequence[Sequence[Any]]
    """Per row: the span id, then the requested columns."""


def read_stored(
    project_id: str,
    trace_id: str,
    table: sa.Table,
    columns: tuple[str, ...],
    span_ids: Iterable[str],
) -> StoredRows | None:
    """Return these columns of a table's rows for some spans; None: a small trace, none stored."""
    values = {"project_id": project_id, "trace_id": trace_id, "ids": list(span_ids)}
    result = db.session.execute(_query(table, columns), values).all()
    if not result:
        return None
    return StoredRows(bool(result[0].current), [row[1:] for row in result if row[1] is not None])


@lru_cache
def _query(table: sa.Table, columns: tuple[str, ...]) -> sa.Select[Any]:
    # One statement reads rows and revision, so that both are of one snapshot.
    same_span: Any = sa.and_(
        table.c.project_id == analyses.c.project_id,
        table.c.trace_id == analyses.c.trace_id,
        table.c.span_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Text))),
        analyses.c.analysed == analyses.c.revision,
    )
    return (
        sa.select(
            (analyses.c.analysed == analyses.c.revision).label("current"),
            table.c.span_id,
            *(table.c[name] for name in columns),
        )
        .select_from(analyses.outerjoin(table, same_span))
        .where(
            analyses.c.project_id == sa.bindparam("project_id"),
            analyses.c.trace_id == sa.bindparam("trace_id"),
        )
    )
