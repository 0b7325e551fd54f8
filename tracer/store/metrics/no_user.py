"""The sums of the traces without a user: from rollups by day, or from the traces."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.database.session import within
from tracer.store.measure.pending import pending_sums
from tracer.store.measure.rollup import ROLLUPS_OF_SERIES, number_of_values, rollups_ready
from tracer.store.rollups.sums import USER
from tracer.store.rollups.users import DAY
from tracer.store.schema import rollup_series, rollups, traces
from tracer.store.traces.traces import LIST_SECONDS
from tracer.store.users.users import UserRow, users_absent
from tracer.times import to_micros

_SUMMED_COLUMNS = ("start", "rows", "errors", "tokens", "cost", "token_counts", "costs")


def sums_without_user(project_id: str, since: datetime | None) -> UserRow | None:
    """Return the sums of the traces without a user; None: every trace has one.

    Sessions are not counted. ``since`` restricts it to traces that began at that time or later.
    """
    whole_days = since is None or to_micros(since) % DAY == 0
    if not whole_days or not rollups_ready():
        return users_absent(project_id, since)
    source = _sums_by_day(project_id).subquery("source")
    query = sa.select(
        sa.cast(sa.func.sum(source.c.rows), sa.BigInteger).label("trace_count"),
        sa.cast(sa.func.sum(source.c.errors), sa.BigInteger).label("error_count"),
        _total(source, "tokens", "token_counts"),
        _total(source, "cost", "costs"),
    )
    if since is not None:
        query = query.where(source.c.start >= since)
    with within(LIST_SECONDS):
        sums = db.session.execute(query).one()
        start, end = (_bound(project_id, since, last=last) for last in (False, True))
    if not sums.trace_count or start is None or end is None:
        return None
    return UserRow(
        user_id="",
        start_time=start,
        end_time=end,
        trace_count=sums.trace_count,
        session_count=0,
        error_count=sums.error_count,
        total_tokens=None if sums.tokens is None else int(sums.tokens),
        total_cost=sums.cost,
    )


def _sums_by_day(project_id: str) -> sa.CompoundSelect[tuple[object, ...]]:
    """Return the sums by day, and the changes that the worker has not added to them yet."""
    pending = pending_sums(project_id, USER).subquery("pending")
    folded = (
        sa.select(*(rollups.c[name] for name in _SUMMED_COLUMNS))
        .select_from(ROLLUPS_OF_SERIES)
        .where(
            rollup_series.c.project_id == project_id,
            rollups.c.width == "d",
            rollup_series.c.grain == USER,
            rollup_series.c.name.is_(None),
        )
    )
    appended = sa.select(*(pending.c[name] for name in _SUMMED_COLUMNS)).where(
        pending.c.name.is_(None)
    )
    return sa.union_all(folded, appended)


def _total(source: sa.Subquery, name: str, counts: str) -> sa.ColumnElement[object]:
    """Return the sum of a number, NULL where no trace has it."""
    number = sa.func.sum(number_of_values(source.c[counts]))
    return sa.case((number > 0, sa.func.sum(source.c[name]))).label(name)


def _bound(project_id: str, since: datetime | None, *, last: bool) -> datetime | None:
    """Return the start of the first or the last of these traces."""
    time = traces.c.start_time
    query = sa.select(time).where(traces.c.project_id == project_id, traces.c.user_id.is_(None))
    if since is not None:
        query = query.where(time >= since)
    return db.session.scalar(query.order_by(time.desc() if last else time).limit(1))
