"""The SQL of numbers of distinct values, by interval and in the whole range."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tracer.store.query.source import Column


def distinct_counts(pairs: sa.CTE, groups: int, *, intervals: bool) -> sa.Select[Any]:
    """Return the numbers of values of so many groups, in the columns of a scan's cells.

    ``pairs`` has each `interval`, `first`, `second` and `value` once, and no NULL as `value`.
    """
    number: Column = sa.func.count(sa.distinct(pairs.c.value))
    whole = _counts(pairs, sa.null().label("interval"), number, groups)
    if not intervals:
        return whole
    each = _counts(pairs, pairs.c.interval, sa.func.count(), groups, pairs.c.interval)
    return sa.select(sa.union_all(whole, each).subquery())


def _counts(
    pairs: sa.CTE, interval: Any, number: Column, groups: int, *by: Column
) -> sa.Select[Any]:
    names = [pairs.c.first, pairs.c.second][:groups]
    none = [sa.cast(sa.null(), sa.Numeric).label(name) for name in ("total", "low", "high")]
    query = sa.select(
        sa.cast(interval, sa.DateTime(timezone=True)).label("interval"),
        *(
            pairs.c[name] if index < groups else sa.cast(sa.null(), sa.Text).label(name)
            for index, name in enumerate(("first", "second"))
        ),
        sa.cast(sa.null(), sa.Integer).label("key"),
        number.label("rows"),
        number.label("whole"),
        *none,
    )
    return query.group_by(*by, *names) if by or names else query
