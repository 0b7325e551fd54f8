"""Lists the users of the traced application, with sums over their traces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.query.tree import EVERYTHING
from tracer.store.database.paging import Page
from tracer.store.database.session import within
from tracer.store.query.keyset import Order, cut, labelled, parse_sort
from tracer.store.query.selection import ALL, Selection
from tracer.store.schema import traces
from tracer.store.traces.traces import LIST_SECONDS
from tracer.store.users.sums import user_sums

_LATEST_FIRST: Final = parse_sort(None, Grain.USER)
_NEWEST: Final = 1_000
"""Number of newest traces whose users are looked at, to sum up few users of a long list."""


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
    since: datetime | None = None,
) -> Page[UserRow]:
    """Return a page of a project's users, latest activity first unless ``sort`` differs.

    With ``since`` users and sums are those of the traces that began then or later. Raises
    BadCursor, Invalid (sort), TooSlow.
    """
    users = user_sums(project_id, since)
    order = Order.of(parse_sort(sort, Grain.USER), Grain.USER, users, users.c.user_id)
    position = order.decode(cursor) if cursor else None
    query = sa.select(*_columns(users), *labelled(order)).where(
        selection.condition(Grain.USER, users)
    )
    if position is not None:
        query = query.where(order.beyond(position))
    elif since is not None and order.keys == _LATEST_FIRST and selection.node == EVERYTHING:
        latest = _latest_users(project_id, since, limit)
        if latest is not None:
            query = query.where(users.c.user_id == sa.any_(sa.literal(latest, ARRAY(sa.Text))))
    forward = position is None or position.forward
    with within(LIST_SECONDS):
        query = query.order_by(*order.clauses(forward)).limit(limit + 1)
        rows = db.session.execute(query).mappings().all()
    return cut(rows, limit, order, position, ("user_id",), _user_row)


def _latest_users(project_id: str, since: datetime, limit: int) -> list[str] | None:
    """Return users among whom the ``limit`` + 1 with the latest traces are; None: maybe not."""
    own = traces.c.project_id == project_id, traces.c.user_id.is_not(None)
    query = sa.select(traces.c.user_id, traces.c.start_time).where(*own)
    query = query.where(traces.c.start_time >= since).order_by(traces.c.start_time.desc())
    rows = db.session.execute(query.limit(_NEWEST)).all()
    # Other traces may have begun at the time of the last one.
    latest = {user_id for user_id, start in rows if start > rows[-1].start_time}
    return sorted(latest) if len(latest) > limit else None


def _user_row(values: dict[str, Any]) -> UserRow:
    return UserRow(**values)


def get_user(project_id: str, user_id: str) -> UserRow | None:
    """Return a user with sums over all traces; None: no trace names the user."""
    users = user_sums(project_id)
    query = sa.select(*_columns(users)).where(users.c.user_id == user_id)
    with within(LIST_SECONDS):
        row = db.session.execute(query).mappings().one_or_none()
    return UserRow(**row) if row is not None else None


def users_absent(project_id: str, since: datetime | None) -> UserRow | None:
    """Return the sums of the traces that name no user; None: every trace names one.

    Their sessions are not counted.
    """
    tokens = sa.func.sum(traces.c.total_tokens)
    query = sa.select(
        sa.literal("").label("user_id"),
        sa.func.min(traces.c.start_time).label("start_time"),
        sa.func.max(traces.c.start_time).label("end_time"),
        sa.func.count().label("trace_count"),
        sa.literal(0).label("session_count"),
        sa.func.count().filter(traces.c.status == "error").label("error_count"),
        sa.cast(tokens, sa.BigInteger).label("total_tokens"),
        sa.func.sum(traces.c.total_cost).label("total_cost"),
    ).where(traces.c.project_id == project_id, traces.c.user_id.is_(None))
    if since is not None:
        query = query.where(traces.c.start_time >= since)
    with within(LIST_SECONDS):
        row = db.session.execute(query).mappings().one()
    return UserRow(**row) if row["trace_count"] else None


def _columns(users: sa.Subquery) -> list[sa.ColumnElement[Any]]:
    return [users.c[name] for name in UserRow.__dataclass_fields__]
