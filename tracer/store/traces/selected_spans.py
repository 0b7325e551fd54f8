"""Lists the spans that a query selects, across traces."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.store.database.paging import Page
from tracer.store.database.session import within
from tracer.store.query.keyset import Order, cut, labelled, parse_sort
from tracer.store.query.selection import ALL, Selection
from tracer.store.schema import spans
from tracer.store.traces.span_tree import COLUMNS, SpanRow
from tracer.store.traces.traces import LIST_SECONDS


def list_selected_spans(
    project_id: str,
    selection: Selection = ALL,
    cursor: str | None = None,
    limit: int = 50,
    sort: str | None = None,
) -> Page[SpanRow]:
    """Return a page of a project's spans, newest first unless ``sort`` differs.

    Raises BadCursor, Invalid (sort), TooSlow.
    """
    keys = parse_sort(sort, Grain.SPAN)
    order = Order.of(keys, Grain.SPAN, spans, spans.c.trace_id, spans.c.span_id)
    position = order.decode(cursor) if cursor else None
    query = sa.select(*COLUMNS, *labelled(order)).where(
        spans.c.project_id == project_id,
        ~spans.c.placeholder,
        selection.condition(Grain.SPAN, spans),
    )
    if position is not None:
        query = query.where(order.beyond(position))
    forward = position is None or position.forward
    with within(LIST_SECONDS):
        query = query.order_by(*order.clauses(forward)).limit(limit + 1)
        rows = db.session.execute(query).mappings().all()
    return cut(rows, limit, order, position, ("trace_id", "span_id"), _span_row)


def _span_row(values: dict[str, Any]) -> SpanRow:
    return SpanRow(**values)
