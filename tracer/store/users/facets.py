"""Counts the users of a selection by ranges of their sums, and by values of their traces."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.store.database.session import within
from tracer.store.query.facets import MAX_VALUES, SECONDS, Facets, Value
from tracer.store.query.ranges import RANGES, counts_of, range_column, slot_of
from tracer.store.query.selection import Selection
from tracer.store.schema import traces
from tracer.store.users.sums import user_sums

MAX_TRACES: Final = 5_000
"""Number of latest traces whose values are counted."""
OF_TRACES: Final = {"env": "environment", "name": "name", "release": "release"}
"""Columns of traces by the fields whose values can be counted."""


def count_user_facets(
    project_id: str, selection: Selection, fields: Sequence[str], since: datetime | None = None
) -> Facets:
    """Return the numbers of users by fields, keys of `OF_TRACES` or `RANGES`; raises TooSlow.

    A user has the values of all traces, of which the latest `MAX_TRACES` are looked at; ranges are
    those of the sums since a time.
    """
    users = user_sums(project_id, since)
    numbers = [field for field in fields if field in RANGES]
    slots = [slot_of(range_column(users, field), field).label(field) for field in numbers]
    chosen = (
        sa.select(users.c.user_id, *slots)
        .where(selection.condition(Grain.USER, users))
        .cte("chosen")
    )
    recent = _recent(project_id)
    parts = [sa.select(sa.literal("").label("field"), sa.null().label("value"), _rows(chosen))]
    parts.append(sa.select(sa.literal("traces of"), sa.null(), _rows(recent)))
    parts += [_slots(chosen, field) for field in numbers]
    of_chosen = sa.select(*recent.c).join(chosen, chosen.c.user_id == recent.c.user_id)
    own = of_chosen.cte("of_chosen")
    parts += [_values(own, field) for field in fields if field in OF_TRACES]
    values: dict[str, list[Value]] = {field: [] for field in ("", "traces of", *fields)}
    with within(SECONDS):
        for field, value, count in db.session.execute(
            sa.union_all(*(sa.select(part.subquery()) for part in parts))
        ):
            values[field].append(Value(value, count))
    [(_, rows)], [(_, looked_at)] = values.pop(""), values.pop("traces of")
    for field in numbers:
        counts = {int(slot): count for slot, count in values[field]}
        values[field] = [Value(*pair) for pair in counts_of(field, counts)]
    return Facets(values, rows, looked_at >= MAX_TRACES)


def _recent(project_id: str) -> sa.CTE:
    columns = (traces.c[column].label(field) for field, column in OF_TRACES.items())
    return (
        sa.select(traces.c.user_id, *columns)
        .where(traces.c.project_id == project_id, traces.c.user_id.is_not(None))
        .order_by(traces.c.start_time.desc())
        .limit(MAX_TRACES)
        .cte("recent")
    )


def _rows(table: sa.CTE) -> sa.Label[int]:
    count = sa.select(sa.func.count()).select_from(table).scalar_subquery()
    return count.label("count")


def _slots(chosen: sa.CTE, field: str) -> sa.Select[Any]:
    slot = chosen.c[field]
    columns: list[Any] = [sa.literal(field), sa.cast(slot, sa.Text), sa.func.count()]
    return sa.select(*columns).where(slot.is_not(None)).group_by(slot)


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
