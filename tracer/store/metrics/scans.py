"""Which parts of a list's page read most of a large table, because no index serves them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tracer.query.fields import Grain
from tracer.store.database.estimates import estimate
from tracer.store.query.facets import MAX_ROWS
from tracer.store.query.keyset import Order, parse_sort
from tracer.store.query.selection import Selection
from tracer.store.schema import sessions, spans, traces

LARGE: Final = 100_000
"""Number of rows up to which reading a table takes no time that matters."""
_SHARE: Final = 0.5
"""Of the planner's cost of the whole table: what costs more reads most of it."""
_TABLES: Final = {Grain.TRACE: traces, Grain.SPAN: spans, Grain.SESSION: sessions}
_IDS: Final = {
    Grain.TRACE: ("trace_id",),
    Grain.SPAN: ("trace_id", "span_id"),
    Grain.SESSION: ("session_id",),
}
_PAGE: Final = 51


class Scans(NamedTuple):
    """The parts of a page that scan, of ``list``, ``facets`` and ``chart``; rows of the table."""

    parts: list[str]
    rows: int


def scans_of(
    project_id: str, selection: Selection, sort: str | None, grain: Grain, *, chart: bool
) -> Scans | None:
    """Return what scans on the page of a list; None: nothing, or the table is not large.

    ``chart``: whether the chart reads every row of the selection. Takes a millisecond a part.
    """
    table = _TABLES.get(grain)
    if table is None:
        return None
    whole = estimate(sa.select(table.c.start_time, table.c.total_cost))
    if whole.rows < LARGE:
        return None
    narrow = grain is Grain.TRACE and selection.reads_more
    matching = selection.candidate(table) if narrow else selection.condition(grain, table)
    rows = sa.select(table.c.start_time).where(table.c.project_id == project_id, matching)

    def first(order_text: str | None, number: int) -> sa.Select[Any]:
        ids = (table.c[name] for name in _IDS[grain])
        order = Order.of(parse_sort(order_text, grain), grain, table, *ids)
        return rows.order_by(*order.clauses()).limit(number)

    queries = {"list": first(sort, _PAGE), "facets": first(None, MAX_ROWS[grain])}
    if chart:
        queries["chart"] = rows
    parts = [part for part, query in queries.items() if estimate(query).cost > _SHARE * whole.cost]
    return Scans(parts, round(whole.rows)) if parts else None
