"""Reads the spans that ran below and beside another one, of which some are its tools."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

import sqlalchemy as sa

from tracer.extensions import db

_MAX_ROWS: Final = 200
"""Spans that are read below a span, and beside it in each direction."""
# In the order of `ix_spans_tree`, so that no other rows of a large level are read.
_ROWS: Final = f"""(
    SELECT '{{name}}', span_id, kind, name, status, start_time, end_time, placeholder FROM spans
    WHERE project_id = :project AND trace_id = :trace AND parent_span_id {{its}}
    ORDER BY parent_span_id {{way}}, start_time {{way}}, span_id {{way}} LIMIT {_MAX_ROWS}
)"""  # noqa: S608 - composed of constants; values are bound
_POSITION: Final = "AND (start_time, span_id) {} (:start, :span)"


class NearbySpan(NamedTuple):
    """A span below or beside another one."""

    span_id: str
    kind: str
    name: str
    status: str
    start_time: datetime
    end_time: datetime | None
    placeholder: bool


class Nearby(NamedTuple):
    """Spans near another one, the nearest first."""

    below: list[NearbySpan]
    after: list[NearbySpan]
    """Its later siblings."""
    before: list[NearbySpan]
    """Its earlier siblings."""


def read_nearby(
    project_id: str, trace_id: str, span_id: str, parent_id: str | None, start: datetime
) -> Nearby:
    """Return the spans below a span that starts then, and those beside it below its parent."""
    values = {
        "project": project_id,
        "trace": trace_id,
        "span": span_id,
        "parent": parent_id,
        "start": start,
    }
    nearby = Nearby([], [], [])
    for name, *columns in db.session.execute(_query(is_root=parent_id is None), values):
        getattr(nearby, name).append(NearbySpan(*columns))
    return nearby


@lru_cache
def _query(*, is_root: bool) -> sa.TextClause:
    parent = "IS NULL" if is_root else "= :parent"
    parts = (
        ("below", "= :span", ""),
        ("after", f"{parent} {_POSITION.format('>')}", ""),
        ("before", f"{parent} {_POSITION.format('<')}", "DESC"),
    )
    query = " UNION ALL ".join(
        _ROWS.format(name=name, its=its, way=way) for name, its, way in parts
    )
    return sa.text(query)
