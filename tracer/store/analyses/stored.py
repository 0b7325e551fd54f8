"""What was derived of a large trace in the background, read as long as it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.extensions import db
from tracer.store.schema import analyses


class Derived(NamedTuple):
    """The rows that were asked for; none of them while the trace is still being counted."""

    holds: bool
    rows: Sequence[Sequence[Any]]
    """Of each the span's id, then the columns."""


def read_derived(
    project_id: str,
    trace_id: str,
    table: sa.Table,
    columns: tuple[str, ...],
    span_ids: Iterable[str],
) -> Derived | None:
    """Return these columns of a table's rows for some spans; None: the trace is small."""
    values = {"project_id": project_id, "trace_id": trace_id, "ids": list(span_ids)}
    found = db.session.execute(_query(table, columns), values).all()
    if not found:
        return None
    return Derived(bool(found[0].holds), [row[1:] for row in found if row[1] is not None])


@lru_cache
def _query(table: sa.Table, columns: tuple[str, ...]) -> sa.Select[Any]:
    # In one statement with the revision, so that both are of one moment.
    its: Any = sa.and_(
        table.c.project_id == analyses.c.project_id,
        table.c.trace_id == analyses.c.trace_id,
        table.c.span_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Text))),
        analyses.c.analysed == analyses.c.revision,
    )
    return (
        sa.select(
            (analyses.c.analysed == analyses.c.revision).label("holds"),
            table.c.span_id,
            *(table.c[name] for name in columns),
        )
        .select_from(analyses.outerjoin(table, its))
        .where(
            analyses.c.project_id == sa.bindparam("project_id"),
            analyses.c.trace_id == sa.bindparam("trace_id"),
        )
    )
