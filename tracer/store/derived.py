"""What was derived of a large trace in the background, read as long as it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.analysis_schema import analyses


class Derived(NamedTuple):
    """The rows that were asked for; none of them while the trace is still being counted."""

    holds: bool
    rows: Sequence[sa.RowMapping]


def read_derived(
    project_id: str, trace_id: str, table: sa.Table, columns: Sequence[str], span_ids: Iterable[str]
) -> Derived | None:
    """Return these columns of a table's rows for some spans; None: the trace is small."""
    # In one statement with the revision, so that both are of one moment.
    its: Any = sa.and_(
        table.c.project_id == analyses.c.project_id,
        table.c.trace_id == analyses.c.trace_id,
        table.c.span_id.in_(span_ids),
        analyses.c.analysed == analyses.c.revision,
    )
    query = (
        sa.select(
            (analyses.c.analysed == analyses.c.revision).label("holds"),
            table.c.span_id,
            *(table.c[name] for name in columns),
        )
        .select_from(analyses.outerjoin(table, its))
        .where(analyses.c.project_id == project_id, analyses.c.trace_id == trace_id)
    )
    found = db.session.execute(query).mappings().all()
    if not found:
        return None
    return Derived(bool(found[0]["holds"]), [row for row in found if row["span_id"] is not None])
