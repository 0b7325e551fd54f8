"""A bound of the sort key of a page's rows, so that few of very many rows have to be sorted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from tracer.query.fields import Grain
from tracer.store.database.estimates import estimated_rows, sample
from tracer.store.query.keyset import Order, Position
from tracer.store.query.source import Column, Table
from tracer.store.schema import traces

Matching = Callable[[Table], Column]
"""The condition of the rows of the table of traces, or of a sample of it."""
MANY: Final = 100_000
"""Number of rows from which on a bound saves more than it costs."""
_SAMPLED: Final = 100
"""Rows of the sample for each row of the page."""
_MAX_SAMPLED: Final = 50_000


def sort_bound(
    project_id: str, matching: Matching, order: Order, position: Position | None, limit: int
) -> Column:
    """Return a condition that the first ``limit`` traces after a position fulfil, and few others.

    In a sample of the traces, as many have at least the value of the bound: so have all that come
    first in the whole table. Only for reading forward, where traces without a value come last.
    """
    total = estimated_rows(_rows(traces, project_id, matching, order, position))
    if total < MANY:
        return sa.true()
    some = sample(traces, min(1.0, min(_SAMPLED * limit, _MAX_SAMPLED) / total))
    own = Order.of(order.keys, Grain.TRACE, some, some.c.trace_id)
    sampled = _rows(some, project_id, matching, own, position).order_by(*own.clauses())
    # A common table expression is evaluated once.
    last = sampled.offset(limit - 1).limit(1).cte("last_of_sample")
    bound, key = sa.select(last.c.key).scalar_subquery(), order.columns[0]
    return sa.or_(bound.is_(None), key >= bound if order.keys[0].descending else key <= bound)


def _rows(
    table: Table, project_id: str, matching: Matching, order: Order, position: Position | None
) -> sa.Select[Any]:
    """Return the query for the first sort key of the rows after a position."""
    own = [table.c.project_id == project_id, matching(table)]
    if position is not None:
        own.append(order.beyond(position))
    return sa.select(order.columns[0].label("key")).where(*own)
