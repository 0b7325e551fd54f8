"""The users of a selection over time: how many were active, had failures, and what they took."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.store.database.session import within
from tracer.store.query.selection import ALL, Selection
from tracer.store.query.source import Column
from tracer.store.traces.histogram import SECONDS, Bar, Histogram
from tracer.store.users.sums import user_sum_rows, user_sums

_DAY: Final = timedelta(days=1)


def users_over_time(
    project_id: str,
    selection: Selection,
    since: datetime | None,
    begin: datetime,
    width: timedelta,
) -> Histogram:
    """Return the users who were active in each interval, counted from ``begin``. Raises TooSlow.

    ``since`` is that of the sums which the selection is about; ``width``: whole days from the
    beginning of a day in UTC on, or less than a day.
    """
    users = user_sums(project_id, since)
    chosen = selection.condition(Grain.USER, users)
    total = sa.select(
        sa.func.count(),
        sa.func.count().filter(users.c.error_count > 0),
        sa.func.sum(users.c.total_cost),
        sa.func.sum(users.c.total_tokens),
    ).where(chosen)
    rows = user_sum_rows(project_id, begin, by_day=width >= _DAY)
    query = _by_interval(rows, begin, width)
    if selection.node != ALL.node:
        query = query.where(rows.c.user_id.in_(sa.select(users.c.user_id).where(chosen)))
    with within(SECONDS):
        sums = db.session.execute(total).one()
        bars = [_bar(*row) for row in db.session.execute(query)]
    return Histogram(bars, width, _bar(begin, *sums), 1.0)


def _by_interval(rows: sa.Subquery, begin: datetime, width: timedelta) -> sa.Select[Any]:
    start = sa.func.date_bin(width, rows.c.start_time, begin).label("start")
    # A user has one row of a whole day, and none beside it: most rows need not be distinguished.
    alone = rows.c.whole_day if width == _DAY else sa.false()

    def users(*conditions: Column) -> Column:
        some = sa.func.count(rows.c.user_id.distinct()).filter(sa.not_(alone), *conditions)
        number: Column = sa.func.count().filter(alone, *conditions) + some
        return number

    return (
        sa.select(
            *(start, users(), users(rows.c.error_count > 0)),
            sa.func.sum(rows.c.total_cost),
            sa.func.sum(rows.c.total_tokens),
        )
        .group_by("start")
        .order_by("start")
    )


def _bar(start: datetime, count: int, errors: int, cost: Any, tokens: Any) -> Bar:
    return Bar(start, count, errors, cost, int(tokens or 0), p50=None, p95=None)
