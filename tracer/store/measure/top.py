"""The groups with the greatest values, and the keys of numbers on a log scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tracer.measure.histogram import BASE, MAX_KEY, MIDDLE
from tracer.measure.question import Question
from tracer.store.measure.cells import Groups
from tracer.store.query.source import Column, Table


def key_of(value: Column) -> Column:
    """Return the key of a number, as `tracer.measure.histogram.key_of` does."""
    number = sa.cast(value, sa.Float)
    amount = sa.func.nullif(sa.func.abs(number), 0)
    step = sa.func.floor(sa.func.ln(amount) / math.log(BASE) + 0.5) + MIDDLE
    bounded = sa.func.greatest(1, sa.func.least(MAX_KEY, step)) * sa.func.sign(number)
    return sa.cast(sa.func.coalesce(sa.case((amount.is_not(None), bounded)), 0), sa.Integer)


def top_groups(question: Question, cells: sa.CTE) -> sa.CTE:
    """Return the groups with the greatest values."""
    groups = [cells.c.first, cells.c.second]
    query = sa.select(*groups).group_by(*groups)
    if question.measure == "percentile":
        query = _by_percentile(question, cells)
        order: Column = sa.literal_column("3")
    elif question.measure == "average":
        order = sa.func.sum(cells.c.total) / sa.func.nullif(sa.func.sum(cells.c.whole), 0)
    elif question.divisor is not None:
        whole = sa.func.nullif(sa.func.sum(cells.c.over), 0)
        order = sa.func.coalesce(sa.func.sum(cells.c.total), 0) / whole
    elif question.measure in ("sum", "max", "min"):
        how = {"sum": sa.func.sum(cells.c.total), "max": sa.func.max(cells.c.high)}
        order = how.get(question.measure, sa.func.min(cells.c.low))
    elif question.counted is not None:
        order = sa.func.sum(cells.c.rows).filter(cells.c.interval.is_(None))
    else:
        order = sa.func.sum(cells.c.rows)
    ties: list[Column] = [sa.literal_column("1"), sa.literal_column("2")]
    return query.order_by(order.desc().nulls_last(), *ties).limit(question.limit).cte("top")


def _by_percentile(question: Question, cells: sa.CTE) -> sa.Select[Any]:
    """Return the groups with the key of their greatest percentile."""
    groups = [cells.c.first, cells.c.second]
    so_far = sa.func.sum(sa.func.sum(cells.c.rows)).over(partition_by=groups, order_by=cells.c.key)
    whole = sa.func.sum(sa.func.sum(cells.c.rows)).over(partition_by=groups)
    keys = (
        sa.select(*groups, cells.c.key, so_far.label("so_far"), whole.label("whole"))
        .group_by(*groups, cells.c.key)
        .subquery()
    )
    reached = keys.c.so_far >= keys.c.whole * (max(question.percents) / 100)
    return sa.select(
        keys.c.first, keys.c.second, sa.func.min(keys.c.key).filter(reached).label("key")
    ).group_by(keys.c.first, keys.c.second)


def given_groups(groups: Sequence[Groups]) -> Table:
    """Return the table of these groups."""
    rows = [(*group, None, None)[:2] for group in groups]
    named = sa.values(sa.column("first", sa.Text), sa.column("second", sa.Text), name="top").data(
        rows or [(None, None)]
    )
    return named.alias("top")
