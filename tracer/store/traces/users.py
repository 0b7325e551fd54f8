"""Lists the users of the traced application, with sums over their traces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.store.database.paging import Page
from tracer.store.database.session import within
from tracer.store.query.keyset import Order, cut, labelled, parse_sort
from tracer.store.query.selection import ALL, Selection
from tracer.store.schema import scores, trace_payloads, traces
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
    since: datetime | None = None,
) -> Page[UserRow]:
    """Return a page of a project's users, latest activity first unless ``sort`` differs.

    With ``since`` users and sums are those of the traces that began then or later. Raises
    BadCursor, Invalid (sort), TooSlow.
    """
    users = users_of(project_id, since)
    order = Order.of(parse_sort(sort, Grain.USER), Grain.USER, users, users.c.user_id)
    position = order.decode(cursor) if cursor else None
    query = sa.select(*_columns(users), *labelled(order)).where(
        selection.condition(Grain.USER, users)
    )
    if position is not None:
        query = query.where(order.beyond(position))
    forward = position is None or position.forward
    with within(LIST_SECONDS):
        query = query.order_by(*order.clauses(forward)).limit(limit + 1)
        rows = db.session.execute(query).mappings().all()
    return cut(rows, limit, order, position, ("user_id",), _user_row)


def _user_row(values: dict[str, Any]) -> UserRow:
    return UserRow(**values)


def get_user(project_id: str, user_id: str) -> UserRow | None:
    """Return a user with sums over all traces; None: no trace names the user."""
    return _read_one(users_of(project_id, None, traces.c.user_id == user_id))


def users_absent(project_id: str, since: datetime | None) -> UserRow | None:
    """Return the sums of the traces that name no user; None: every trace names one."""
    row = _read_one(users_of(project_id, since, traces.c.user_id.is_(None)))
    return replace(row, user_id="") if row is not None else None


def _read_one(users: sa.Subquery) -> UserRow | None:
    with within(LIST_SECONDS):
        row = db.session.execute(sa.select(*_columns(users))).mappings().one_or_none()
    return UserRow(**row) if row is not None else None


@dataclass(frozen=True, slots=True)
class UserDetails:
    """What a list shows of a user beside the sums."""

    last_name: str
    """Name of the latest trace."""
    last_input: str
    running: bool
    """Whether one of the user's traces is running."""
    p95: timedelta
    """Latency that 95 % of the traces do not exceed."""
    trend: list[tuple[int, int, int]]
    """(interval, traces, failed traces), intervals without a trace left out."""


def user_details(
    project_id: str, user_ids: Sequence[str], since: datetime, width: timedelta
) -> dict[str, UserDetails]:
    """Return the details of the users of one page, of the traces since a time.

    ``width`` is the length of the intervals of the trend, which are counted from ``since``.
    """
    own = [
        traces.c.project_id == project_id,
        traces.c.user_id == sa.any_(sa.literal(list(user_ids), ARRAY(sa.Text))),
        traces.c.start_time >= since,
    ]
    failed = sa.func.count().filter(traces.c.status == "error")
    trends: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    query = sa.select(traces.c.user_id, _interval(since, width), sa.func.count(), failed)
    with within(LIST_SECONDS):
        for user_id, *counts in db.session.execute(
            query.where(*own).group_by(traces.c.user_id, "n").order_by("n")
        ):
            trends[user_id].append((counts[0], counts[1], counts[2]))
        rows = db.session.execute(_details(project_id, own)).mappings().all()
    return {row["user_id"]: _made_details(row, trends[row["user_id"]]) for row in rows}


def _interval(since: datetime, width: timedelta) -> sa.Label[int]:
    """Return the number of the interval that a trace began in, counted from 0, as ``n``."""
    seconds = sa.extract("epoch", traces.c.start_time - since)
    return sa.cast(sa.func.floor(seconds / width.total_seconds()), sa.Integer).label("n")


def _made_details(row: sa.RowMapping, trend: list[tuple[int, int, int]]) -> UserDetails:
    return UserDetails(row["name"], row["input"] or "", row["running"] > 0, row["p95"], trend)


def _details(project_id: str, own: list[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    latency = traces.c.end_time - traces.c.start_time
    sums = (
        sa.select(
            traces.c.user_id,
            sa.func.percentile_disc(0.95).within_group(latency).label("p95"),
            sa.func.count().filter(traces.c.status == "running").label("running"),
        )
        .where(*own)
        .group_by(traces.c.user_id)
        .subquery()
    )
    latest = (
        sa.select(traces.c.name, traces.c.trace_id)
        .where(traces.c.project_id == project_id, traces.c.user_id == sums.c.user_id)
        .order_by(traces.c.start_time.desc(), traces.c.trace_id.desc())
        .limit(1)
        .lateral("latest")
    )
    payload = sa.and_(
        trace_payloads.c.project_id == project_id,
        trace_payloads.c.trace_id == latest.c.trace_id,
    )
    return sa.select(
        *sums.c, latest.c.name, trace_payloads.c.input_preview.label("input")
    ).select_from(sums.join(latest, sa.true()).join(trace_payloads, payload))


@dataclass(frozen=True, slots=True)
class UserScore:
    """The scores of one name on a user's traces and their spans; texts have no mean."""

    name: str
    data_type: str
    count: int
    mean: float | None
    trend: list[tuple[int, float]]
    """(interval, mean), intervals without a score left out."""


def user_scores(
    project_id: str, user_id: str, since: datetime, width: timedelta
) -> list[UserScore]:
    """Return the scores of a user's traces since a time, the most frequent name first.

    ``width`` is the length of the intervals of the trends, which are counted from ``since``.
    """
    query = (
        sa.select(
            *(scores.c.name, scores.c.data_type, _interval(since, width), sa.func.count()),
            *(sa.func.count(scores.c.value), sa.func.sum(scores.c.value)),
        )
        .join(
            traces,
            sa.and_(
                traces.c.project_id == scores.c.project_id, traces.c.trace_id == scores.c.trace_id
            ),
        )
        .where(
            scores.c.project_id == project_id,
            traces.c.user_id == user_id,
            traces.c.start_time >= since,
        )
        .group_by(scores.c.name, scores.c.data_type, "n")
        .order_by("n")
    )
    by_name: dict[tuple[str, str], list[tuple[int, int, int, float]]] = defaultdict(list)
    with within(LIST_SECONDS):
        for name, data_type, *counts in db.session.execute(query):
            by_name[name, data_type].append((counts[0], counts[1], counts[2], counts[3]))
    made = [_user_score(name, kind, rows) for (name, kind), rows in by_name.items()]
    return sorted(made, key=lambda score: (-score.count, score.name))


def _user_score(name: str, data_type: str, rows: list[tuple[int, int, int, float]]) -> UserScore:
    numbers = sum(values for _, _, values, _ in rows)
    mean = sum(total for *_, total in rows if total is not None) / numbers if numbers else None
    trend = [(n, total / values) for n, _, values, total in rows if values]
    return UserScore(name, data_type, sum(count for _, count, *_ in rows), mean, trend)


def _columns(users: sa.Subquery) -> list[sa.ColumnElement[Any]]:
    return [users.c[name] for name in UserRow.__dataclass_fields__]


def users_of(
    project_id: str,
    since: datetime | None = None,
    which: sa.ColumnElement[bool] | None = None,
) -> sa.Subquery:
    """Return the table of the project's users, with the columns of `UserRow`.

    ``since`` and ``which`` restrict the traces; without ``which`` all that name a user count.
    """
    failed = traces.c.status == "error"
    own = [
        traces.c.project_id == project_id,
        traces.c.user_id.is_not(None) if which is None else which,
    ]
    if since is not None:
        own.append(traces.c.start_time >= since)
    # In two steps: counting distinct sessions at once would sort the traces.
    by_session = (
        sa.select(
            *(traces.c.project_id, traces.c.user_id, traces.c.session_id),
            sa.func.min(traces.c.start_time).label("start_time"),
            sa.func.max(traces.c.start_time).label("end_time"),
            sa.func.count().label("trace_count"),
            sa.func.count().filter(failed).label("error_count"),
            sa.func.sum(traces.c.total_tokens).label("total_tokens"),
            sa.func.sum(traces.c.total_cost).label("total_cost"),
        )
        .where(*own)
        .group_by(traces.c.project_id, traces.c.user_id, traces.c.session_id)
        .subquery("by_session")
    ).c

    def total(column: sa.ColumnElement[Any], name: str) -> sa.Label[int]:
        # A sum of bigint is numeric.
        return sa.cast(sa.func.sum(column), sa.BigInteger).label(name)

    return (
        sa.select(
            by_session.project_id,
            by_session.user_id,
            sa.func.min(by_session.start_time).label("start_time"),
            sa.func.max(by_session.end_time).label("end_time"),
            total(by_session.trace_count, "trace_count"),
            sa.func.count(by_session.session_id).label("session_count"),
            total(by_session.error_count, "error_count"),
            total(by_session.total_tokens, "total_tokens"),
            sa.func.sum(by_session.total_cost).label("total_cost"),
        )
        .group_by(by_session.project_id, by_session.user_id)
        .subquery("users")
    )
