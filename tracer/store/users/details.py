"""What a list shows of its users beside the sums: the latest trace, latency, traces over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.extensions import db
from tracer.store.database.session import within
from tracer.store.query.source import Column
from tracer.store.schema import trace_payloads, traces
from tracer.store.traces.traces import LIST_SECONDS
from tracer.store.users.sums import user_sum_rows

LATEST: Final = 100
"""Number of latest traces of a user whose latencies are looked at."""


@dataclass(frozen=True, slots=True)
class UserDetails:
    """What a list shows of a user beside the sums."""

    last_name: str
    """Name of the latest trace."""
    last_input: str
    running: bool
    """Whether one of the user's `LATEST` traces is running."""
    p95: timedelta
    """Latency that 95 % of the `LATEST` traces do not exceed."""
    trend: list[tuple[int, int, int]]
    """(interval, traces, failed traces), intervals without a trace left out."""


def user_details(
    project_id: str, user_ids: Sequence[str], since: datetime, width: timedelta
) -> dict[str, UserDetails]:
    """Return the details of the users of one page, of the traces since a time.

    ``width`` is the length of the intervals of the trend, which are counted from ``since``: whole
    days from the beginning of a day in UTC on, or less than a day.
    """
    ids = sa.literal(list(user_ids), ARRAY(sa.Text))
    trends: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    with within(LIST_SECONDS):
        for user_id, *counts in db.session.execute(_trends(project_id, ids, since, width)):
            trends[user_id].append((counts[0], counts[1], counts[2]))
        rows = db.session.execute(_latest(project_id, ids, since)).mappings().all()
    return {row["user_id"]: _made(row, trends[row["user_id"]]) for row in rows}


def interval_of(time: Column, since: datetime, width: timedelta) -> sa.Label[int]:
    """Return the number of the interval that a time is in, counted from 0, as ``n``."""
    seconds = sa.extract("epoch", time - since)
    return sa.cast(sa.func.floor(seconds / width.total_seconds()), sa.Integer).label("n")


def _made(row: sa.RowMapping, trend: list[tuple[int, int, int]]) -> UserDetails:
    return UserDetails(row["name"], row["input"] or "", row["running"] > 0, row["p95"], trend)


def _trends(project_id: str, ids: Column, since: datetime, width: timedelta) -> sa.Select[Any]:
    """Return the query for (user, interval, traces, failed traces)."""
    rows = user_sum_rows(project_id, since, by_day=width >= timedelta(days=1))
    n = interval_of(rows.c.start_time, since, width)
    total, failed = sa.func.sum(rows.c.trace_count), sa.func.sum(rows.c.error_count)
    counts = sa.cast(total, sa.Integer), sa.cast(failed, sa.Integer)
    query = sa.select(rows.c.user_id, n, *counts).where(rows.c.user_id == sa.any_(ids))
    return query.group_by(rows.c.user_id, "n").order_by("n")


def _latest(project_id: str, ids: Column, since: datetime) -> sa.Select[Any]:
    user = sa.func.unnest(ids).table_valued(sa.column("user_id", sa.Text), name="shown")
    user = user.render_derived()
    recent = _newest(project_id, user.c.user_id, LATEST, since).lateral("recent")
    latency = recent.c.end_time - recent.c.start_time
    sums = (
        sa.select(
            user.c.user_id,
            sa.func.percentile_disc(0.95).within_group(latency).label("p95"),
            sa.func.count().filter(recent.c.status == "running").label("running"),
        )
        .select_from(user.join(recent, sa.true()))
        .group_by(user.c.user_id)
        .subquery()
    )
    latest = _newest(project_id, sums.c.user_id, 1).lateral("latest")
    payload = sa.and_(
        trace_payloads.c.project_id == project_id,
        trace_payloads.c.trace_id == latest.c.trace_id,
    )
    return sa.select(
        *sums.c, latest.c.name, trace_payloads.c.input_preview.label("input")
    ).select_from(sums.join(latest, sa.true()).join(trace_payloads, payload))


def _newest(
    project_id: str, user_id: Column, limit: int, since: datetime | None = None
) -> sa.Select[Any]:
    names = ("name", "trace_id", "status", "start_time", "end_time")
    query = sa.select(*(traces.c[name] for name in names)).where(
        traces.c.project_id == project_id, traces.c.user_id == user_id
    )
    if since is not None:
        query = query.where(traces.c.start_time >= since)
    return query.order_by(traces.c.start_time.desc(), traces.c.trace_id.desc()).limit(limit)
