"""Lists the users of the traced application, with sums over their traces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.store.database.paging import Page
from tracer.store.database.session import within
from tracer.store.query.keyset import Order, cut, labelled, parse_sort
from tracer.store.query.selection import ALL, Selection
from tracer.store.schema import traces
from tracer.store.traces.traces import LIST_SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class UserRow:
    """A user with sums over the user's traces; tokens and cost None: no trace reports any."""

    user_id: str
    start_time: datetime
    """Start of the first trace."""
    end_time: datetime
    """Start of the latest trace."""
    trace_count: int
    session_count: int
    error_count: int
    """Failed traces."""
    total_tokens: int | None
    total_cost: Decimal | None


def list_users(
    project_id: str,
    selection: Selection = ALL,
    cursor: str | None = None,
    limit: int = 50,
    sort: str | None = None,
) -> Page[UserRow]:
    """Return a page of a project's users, latest activity first unless ``sort`` differs.

    Raises BadCursor, Invalid (sort), TooSlow.
    """
    users = users_of(project_id)
    order = Order.of(parse_sort(sort, Grain.USER), Grain.USER, users, users.c.user_id)
    position = order.decode(cursor) if cursor else None
    own = [users.c[name] for name in UserRow.__dataclass_fields__]
    query = sa.select(*own, *labelled(order)).where(selection.condition(Grain.USER, users))
    if position is not None:
        query = query.where(order.beyond(position))
    forward = position is None or position.forward
    with within(LIST_SECONDS):
        query = query.order_by(*order.clauses(forward)).limit(limit + 1)
        rows = db.session.execute(query).mappings().all()
    return cut(rows, limit, order, position, ("user_id",), _user_row)


def _user_row(values: dict[str, Any]) -> UserRow:
    return UserRow(**values)


def users_of(project_id: str) -> sa.Subquery:
    """Return the table of the project's users, with the columns of `UserRow`."""
    failed = traces.c.status == "error"
    return (
        sa.select(
            traces.c.project_id,
            traces.c.user_id,
            sa.func.min(traces.c.start_time).label("start_time"),
            sa.func.max(traces.c.start_time).label("end_time"),
            sa.func.count().label("trace_count"),
            sa.func.count(traces.c.session_id.distinct()).label("session_count"),
            sa.func.count().filter(failed).label("error_count"),
            # A sum of bigint is numeric.
            sa.cast(sa.func.sum(traces.c.total_tokens), sa.BigInteger).label("total_tokens"),
            sa.func.sum(traces.c.total_cost).label("total_cost"),
        )
        .where(traces.c.project_id == project_id, traces.c.user_id.is_not(None))
        .group_by(traces.c.project_id, traces.c.user_id)
        .subquery("users")
    )
