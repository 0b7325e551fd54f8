"""Counts the users of a selection by ranges of their sums, and by values of their traces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.query.tree import EVERYTHING
from tracer.store.database.estimates import estimated_rows
from tracer.store.database.session import within
from tracer.store.query.facets import MAX_VALUES, SECONDS, Facets, Value
from tracer.store.query.ranges import RANGES, counts_of, range_column, slot_of
from tracer.store.query.selection import Selection
from tracer.store.query.source import Column
from tracer.store.schema import traces
from tracer.store.users.sums import user_sums

MAX_USERS: Final = 10_000
"""Of more users, about as many are counted by the ranges of their sums."""
MAX_TRACES: Final = 5_000
"""Number of latest traces whose values are counted."""
OF_TRACES: Final = {"env": "environment", "name": "name", "release": "release"}
"""Columns of traces by the fields whose values can be counted."""


def count_user_facets(
    project_id: str, selection: Selection, fields: Sequence[str], since: datetime | None = None
) -> Facets:
    """Return the numbers of users by fields, keys of `OF_TRACES` or `RANGES`; raises TooSlow.

    A user has the values of all traces, of which the latest `MAX_TRACES` are looked at; ranges are
    those of the sums since a time, of more than `MAX_USERS` users estimated from a sample.
    """
    users = user_sums(project_id, since)
    matching = selection.condition(Grain.USER, users)
    part = max(1, round(estimated_rows(sa.select(users.c.user_id)) / MAX_USERS))
    numbers = [field for field in fields if field in RANGES]
    values: dict[str, list[Value]] = {}
    with within(SECONDS):
        slots = db.session.execute(_slots(users, matching, numbers, part)).all()
        for index, field in enumerate(numbers):
            counts: Counter[int] = Counter()
            for row in slots:
                if row[index] is not None:
                    counts[row[index]] += row[-1] * part
            values[field] = [Value(*pair) for pair in counts_of(field, counts)]
        of_traces, looked_at = _of_traces(project_id, selection, fields, users, since)
    values |= of_traces
    rows = sum(row[-1] for row in slots) * part
    return Facets(values, rows, part > 1 or looked_at >= MAX_TRACES)


def _slots(
    users: sa.Subquery, matching: Column, numbers: Sequence[str], part: int
) -> sa.Select[Any]:
    """Return the number of users by the slots of all numbers; of a ``part``-th of the users."""
    slots = [slot_of(range_column(users, field), field) for field in numbers]
    query = sa.select(*slots, sa.func.count()).where(matching)
    if part > 1:
        query = query.where(sa.func.abs(sa.func.hashtext(users.c.user_id) % part) == 0)
    return query.group_by(*(sa.literal_column(str(n + 1)) for n in range(len(slots))))


def _of_traces(
    project_id: str,
    selection: Selection,
    fields: Sequence[str],
    users: sa.Subquery,
    since: datetime | None,
) -> tuple[dict[str, list[Value]], int]:
    """Return the values of the latest traces by field, and how many traces were looked at."""
    recent = _recent(project_id, since)
    own = recent
    if selection.node != EVERYTHING:
        chosen = sa.select(users.c.user_id).where(selection.condition(Grain.USER, users))
        # For each user once, not for each trace.
        of_recent = users.c.user_id.in_(sa.select(recent.c.user_id))
        own = sa.select(recent).where(recent.c.user_id.in_(chosen.where(of_recent))).cte("own")
    names = [field for field in fields if field in OF_TRACES]
    values: dict[str, list[Value]] = {field: [] for field in names}
    parts = [sa.select(sa.literal("").label("field"), sa.null().label("value"), _rows(recent))]
    parts += [_values(own, field) for field in names]
    looked_at = 0
    for field, value, count in db.session.execute(
        sa.union_all(*(sa.select(part.subquery()) for part in parts))
    ):
        if field:
            values[field].append(Value(value, count))
        else:
            looked_at = count
    return values, looked_at


def _recent(project_id: str, since: datetime | None) -> sa.CTE:
    columns = (traces.c[column].label(field) for field, column in OF_TRACES.items())
    query = sa.select(traces.c.user_id, *columns).where(
        traces.c.project_id == project_id, traces.c.user_id.is_not(None)
    )
    if since is not None:
        query = query.where(traces.c.start_time >= since)
    return query.order_by(traces.c.start_time.desc()).limit(MAX_TRACES).cte("recent")


def _rows(table: sa.CTE) -> sa.Label[int]:
    count = sa.select(sa.func.count()).select_from(table).scalar_subquery()
    return count.label("count")


def _values(of_chosen: sa.CTE, field: str) -> sa.Select[Any]:
    value = of_chosen.c[field]
    pairs = sa.select(of_chosen.c.user_id, value.label("value")).where(value != "").distinct()
    pair = pairs.subquery()
    count = sa.func.count()
    columns: list[Any] = [sa.literal(field), pair.c.value, count]
    return (
        sa.select(*columns)
        .group_by(pair.c.value)
        .order_by(count.desc(), pair.c.value)
        .limit(MAX_VALUES)
    )
