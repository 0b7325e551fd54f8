"""The sums of users as a table: read from stored sums (by day and in total) or from traces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, array

from tracer.extensions import db
from tracer.store.query.source import Column
from tracer.store.rollups.changes import MAX_PENDING
from tracer.store.rollups.users import DAY, changed_user_days
from tracer.store.schema import Time, background_upgrades, rollup_changes, traces, user_days, users
from tracer.times import from_micros, to_micros

_DAY: Final = timedelta(days=1)
# `end_time` is the start of the latest trace, as in the stored sums and in `UserRow`.
_SUMS: Final = ("start_time", "end_time", "trace_count", "error_count", "total_tokens")
_failed: Final = traces.c.status == "error"


def user_sums(project_id: str, since: datetime | None = None) -> sa.Subquery:
    """Return the table of the project's users, with the columns of `UserRow`.

    ``since`` restricts users and sums to traces that began at that time or later. Reads the sums
    that the worker stores, once it has counted all users; of users and days that have changed
    since, the sums are computed from the traces.
    """
    changed = _changed(project_id)
    if changed is None:
        return user_sums_of_traces(project_id, since)
    if since is None:
        return _all_days(project_id, changed)
    return _with_sessions(_SumSources(project_id, changed, since, _next_midnight(since)))


def user_sum_rows(project_id: str, since: datetime, *, by_day: bool) -> sa.Subquery:
    """Return rows to sum by user, of the traces since a time, with the columns of `UserRow`.

    ``by_day`` allows rows that sum up a user's traces of one day; they have ``whole_day`` and the
    start of the first trace.
    """
    changed = _changed(project_id) if by_day else None
    if changed is None:
        traces_since = _traces(project_id).where(traces.c.start_time >= since)
        return traces_since.subquery("sources")
    return _SumSources(project_id, changed, since, _next_midnight(since)).rows("sources")


def user_sums_of_traces(project_id: str, since: datetime | None = None) -> sa.Subquery:
    """Return the same table as `user_sums`, computed from the traces."""
    own = [traces.c.project_id == project_id, traces.c.user_id.is_not(None)]
    if since is not None:
        own.append(traces.c.start_time >= since)
    # In two steps: counting distinct sessions at once would sort the traces.
    by_session = (
        sa.select(
            *(traces.c.project_id, traces.c.user_id, traces.c.session_id),
            sa.func.min(traces.c.start_time).label("start_time"),
            sa.func.max(traces.c.start_time).label("end_time"),
            sa.func.count().label("trace_count"),
            sa.func.count().filter(_failed).label("error_count"),
            sa.func.sum(traces.c.total_tokens).label("total_tokens"),
            sa.func.sum(traces.c.total_cost).label("total_cost"),
        )
        .where(*own)
        .group_by(traces.c.project_id, traces.c.user_id, traces.c.session_id)
        .subquery("by_session")
    )
    sessions = sa.func.count(by_session.c.session_id).label("session_count")
    return _grouped(by_session).add_columns(sessions).subquery("users")


def _next_midnight(time: datetime) -> datetime:
    """Round a time up to the next midnight in UTC."""
    return from_micros(-(-to_micros(time) // DAY) * DAY)


def _grouped(rows: sa.Subquery) -> sa.Select[Any]:
    """Return the query that sums rows by user."""

    def total(name: str) -> sa.Label[int]:
        # A sum of bigint is numeric.
        return sa.cast(sa.func.sum(rows.c[name]), sa.BigInteger).label(name)

    return sa.select(
        rows.c.project_id,
        rows.c.user_id,
        sa.func.min(rows.c.start_time).label("start_time"),
        sa.func.max(rows.c.end_time).label("end_time"),
        *(total(name) for name in ("trace_count", "error_count", "total_tokens")),
        sa.func.sum(rows.c.total_cost).label("total_cost"),
    ).group_by(rows.c.project_id, rows.c.user_id)


@dataclass(frozen=True, slots=True)
class _Changed:
    """The users and days whose stored sums may be outdated."""

    user_ids: list[str]
    days: list[datetime]

    def table(self) -> Any:
        """Return them as a table with the columns ``user_id`` and ``day``."""
        arrays = sa.literal(self.user_ids, ARRAY(sa.Text)), sa.literal(self.days, ARRAY(Time))
        columns = sa.column("user_id", sa.Text), sa.column("day", Time)
        return sa.func.unnest(*arrays).table_valued(*columns, name="changed").render_derived()


def _changed(project_id: str) -> _Changed | None:
    """Return the users and days that have changed since the worker counted them.

    None: stored sums can't be used, because the worker has not counted all older traces yet, or
    more than `MAX_PENDING` transactions are waiting to be added.
    """
    unfinished = sa.exists().where(
        background_upgrades.c.name.in_(("rollups", "users")),
        background_upgrades.c.finished_at.is_(None),
    )
    if db.session.scalar(sa.select(unfinished)):
        return None
    query = (
        sa.select(rollup_changes.c.change, rollup_changes.c.records)
        .where(rollup_changes.c.project_id == project_id)
        .limit(MAX_PENDING + 1)
    )
    appended = db.session.execute(query).all()
    if len(appended) > MAX_PENDING:
        return None
    keys: set[tuple[str, int]] = set()
    keys.update(*(changed_user_days(change, records) for change, records in appended))
    listed = sorted(keys)
    return _Changed([key[0] for key in listed], [from_micros(key[1] * DAY) for key in listed])


@dataclass(frozen=True, slots=True)
class _SumSources:
    """The rows that add up to the sums since a time.

    They are the stored sums of whole days, and the traces of changed days and of the first,
    incomplete day.
    """

    project_id: str
    changed: _Changed
    since: datetime | None = None
    first_day: datetime | None = None

    def rows(self, name: str, *, user_id: Column | None = None) -> sa.Subquery:
        """Return all rows to sum; ``user_id``: only of this user."""
        sources = [self._stored(user_id)]
        if self.changed.user_ids:
            sources.append(self._traces_of_changed_days(user_id))
        if self.since is not None and self.first_day is not None and self.since < self.first_day:
            own = traces.c.start_time >= self.since, traces.c.start_time < self.first_day
            sources.append(_traces(self.project_id, user_id).where(*own))
        return sa.union_all(*sources).subquery(name)

    def _stored(self, user_id: Column | None) -> sa.Select[Any]:
        table = user_days.alias()
        query = sa.select(
            *(table.c.project_id, table.c.user_id),
            *(table.c[name] for name in (*_SUMS, "total_cost", "sessions")),
            sa.true().label("whole_day"),
        ).where(table.c.project_id == self.project_id)
        if self.changed.user_ids:
            changed = self.changed.table()
            same = (changed.c.user_id == table.c.user_id) & (changed.c.day == table.c.day)
            query = query.where(~sa.exists().where(same).correlate(table))
        if self.first_day is not None:
            query = query.where(table.c.day >= self.first_day)
        return (
            query
            if user_id is None
            else query.where(table.c.user_id == user_id).correlate(user_id.table)
        )

    def _traces_of_changed_days(self, user_id: Column | None) -> sa.Select[Any]:
        changed = self.changed.table()
        query = _traces(self.project_id, user_id).join(
            changed,
            (changed.c.user_id == traces.c.user_id)
            & (traces.c.start_time >= changed.c.day)
            & (traces.c.start_time < changed.c.day + sa.literal(_DAY, sa.Interval)),
        )
        if self.first_day is not None:
            query = query.where(changed.c.day >= self.first_day)
        return query


def _traces(project_id: str, user_id: Column | None = None) -> sa.Select[Any]:
    """Return the query for one row per trace with a user; ``user_id``: only of this user."""
    has_session = traces.c.session_id.is_not(None)
    session = sa.func.hashtextextended(traces.c.session_id, 0, type_=sa.BigInteger)
    none = sa.cast(sa.literal_column("'{}'"), ARRAY(sa.BigInteger))
    query = sa.select(
        *(traces.c.project_id, traces.c.user_id, traces.c.start_time),
        traces.c.start_time.label("end_time"),
        sa.literal_column("1", sa.BigInteger).label("trace_count"),
        sa.cast(sa.cast(_failed, sa.Integer), sa.BigInteger).label("error_count"),
        *(traces.c.total_tokens, traces.c.total_cost),
        sa.case((has_session, array([session])), else_=none).label("sessions"),
        sa.false().label("whole_day"),
    ).where(traces.c.project_id == project_id, traces.c.user_id.is_not(None))
    return (
        query
        if user_id is None
        else query.where(traces.c.user_id == user_id).correlate(user_id.table)
    )


def _with_sessions(sources: _SumSources) -> sa.Subquery:
    """Return the sums by user; sessions are counted only for the rows that a query returns."""
    grouped = _grouped(sources.rows("sources")).subquery("grouped")
    return sa.select(*grouped.c, _session_count(sources, grouped).label("session_count")).subquery(
        "users"
    )


def _session_count(sources: _SumSources, grouped: sa.Subquery) -> Column:
    own = sources.rows("of_user", user_id=grouped.c.user_id)
    each = sa.func.unnest(own.c.sessions).table_valued("value", name="session").render_derived()
    return (
        sa.select(sa.func.count(each.c.value.distinct()))
        .select_from(own.join(each, sa.true()))
        .correlate(grouped)
        .scalar_subquery()
    )


def _all_days(project_id: str, changed: _Changed) -> sa.Subquery:
    """Return the sums over all traces: stored ones, or recomputed for users with changed traces."""
    ids = sa.literal(sorted(set(changed.user_ids)), ARRAY(sa.Text))
    own = ("project_id", "user_id", *_SUMS, "total_cost", "session_count")
    stored = sa.select(*(users.c[name] for name in own)).where(
        users.c.project_id == project_id, users.c.user_id != sa.all_(ids)
    )
    recomputed = _with_sessions(_SumSources(project_id, changed))
    of_changed = sa.select(*(recomputed.c[name] for name in own)).where(
        recomputed.c.user_id == sa.any_(ids)
    )
    return sa.union_all(stored, of_changed).subquery("users")
