"""Scores with the start and environment of their traces, or sums of them by hour."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.measure.buckets import HOUR
from tracer.store.schema import background_upgrades, score_hours, score_hours_due, scores, traces
from tracer.times import EPOCH

MAX_JOINED: Final = 10_000
"""Scores without the start of their trace up to which reading the others alone is faster."""
_NAMES = ("name", "source", "data_type")
_VALUES = ("value", "string_value")
_SUMS = ("rows", "value_count", "total", "low", "high", "counts")
_OWN = ("project_id", "trace_id", "score_id", *_NAMES, *_VALUES)
_OF_TRACE = {
    "project_id": "project_id",
    "trace_id": "trace_id",
    "start_time": "trace_start",
    "environment": "trace_environment",
}
"""Columns of scores by those of traces that they hold."""


def scores_filled(project_id: str) -> bool:
    """Return whether the trace fields in scores are right, and most of the project's have them.

    An upgrade may not be finished, or many scores may have no trace.
    """
    unfinished = sa.exists().where(
        background_upgrades.c.name == "scores", background_upgrades.c.finished_at.is_(None)
    )
    waiting = sa.select(scores.c.score_id).where(*_not_filled(project_id)).limit(MAX_JOINED + 1)
    number = sa.select(sa.func.count()).select_from(waiting.subquery()).scalar_subquery()
    return bool(db.session.scalar(sa.select(~unfinished & (number <= MAX_JOINED))))


def _not_filled(project_id: str) -> list[sa.ColumnElement[bool]]:
    return [
        scores.c.project_id == project_id,
        scores.c.trace_start.is_(None),
        scores.c.trace_id != sa.literal_column("''"),
    ]


def scores_of_traces(project_id: str) -> tuple[sa.Subquery, sa.FromClause]:
    """Return (the scores of a project's traces, their traces), to be joined on true.

    Of a trace only the key, start and environment are known; its other columns are NULL.
    """
    own = [scores.c[name] for name in _OWN]
    filled = sa.select(*own, scores.c.trace_start, scores.c.trace_environment).where(
        scores.c.project_id == project_id, scores.c.trace_start.is_not(None)
    )
    return _with_traces(sa.union_all(filled, _others(project_id, own)))


def sums_of_hours(
    project_id: str, since: datetime, until: datetime
) -> tuple[sa.Subquery, sa.FromClause]:
    """Return (sums over the scores of a project's traces, their traces), to be joined on true.

    A row has the sums of an hour, or one score: of an hour that the worker has to recount, of the
    parts of hours at the ends of the range, or not filled in. The range is longer than two hours.
    """
    first, last = since + (EPOCH - since) % HOUR, until - (until - EPOCH) % HOUR
    due = (
        sa.select(score_hours_due.c.start.label("low"))
        .where(_between(score_hours_due, project_id, first, last))
        .distinct()
        .cte("due")
    )
    ends = [(since, first), (last, until)]
    ranges = sa.union_all(
        sa.select(due.c.low, (due.c.low + HOUR).label("high")),
        *(sa.select(_time(low), _time(high)) for low, high in ends if low < high),
    ).subquery("ranges")
    counted = sa.select(
        score_hours.c.project_id,
        *(sa.cast(sa.null(), sa.Text).label(name) for name in ("trace_id", "score_id")),
        *(score_hours.c[name] for name in _NAMES),
        *(sa.cast(sa.null(), scores.c[name].type).label(name) for name in _VALUES),
        *(score_hours.c[name] for name in _SUMS),
        score_hours.c.start.label("trace_start"),
        score_hours.c.environment.label("trace_environment"),
    ).where(
        _between(score_hours, project_id, first, last),
        score_hours.c.start.not_in(sa.select(due.c.low)),
    )
    columns = [*(scores.c[name] for name in _OWN), *_sums_of_one()]
    single = (
        sa.select(*columns, scores.c.trace_start, scores.c.trace_environment)
        .select_from(ranges)
        .join(
            scores,
            sa.and_(
                scores.c.project_id == project_id,
                scores.c.trace_start >= ranges.c.low,
                scores.c.trace_start < ranges.c.high,
            ),
        )
    )
    return _with_traces(sa.union_all(counted, single, _others(project_id, columns)))


def _between(table: sa.Table, project_id: str, since: datetime, until: datetime) -> Any:
    return sa.and_(table.c.project_id == project_id, table.c.start >= since, table.c.start < until)


def _time(value: datetime) -> sa.ColumnElement[Any]:
    return sa.cast(sa.literal(value), scores.c.trace_start.type)


def _sums_of_one() -> list[sa.ColumnElement[Any]]:
    """Return the sums of a score, in the columns of hours; NULL as counts."""
    number = sa.case((scores.c.value.is_not(None), 1), else_=0)
    return [
        sa.cast(sa.literal_column("1"), sa.BigInteger).label("rows"),
        sa.cast(number, sa.BigInteger).label("value_count"),
        *(scores.c.value.label(name) for name in ("total", "low", "high")),
        sa.cast(sa.null(), score_hours.c.counts.type).label("counts"),
    ]


def _others(project_id: str, columns: list[Any]) -> sa.Select[Any]:
    """Return the scores that are not filled in, joined with their traces."""
    same = sa.and_(
        traces.c.project_id == scores.c.project_id, traces.c.trace_id == scores.c.trace_id
    )
    return (
        sa.select(
            *columns,
            traces.c.start_time.label("trace_start"),
            traces.c.environment.label("trace_environment"),
        )
        .select_from(scores.join(traces, same))
        .where(*_not_filled(project_id))
    )


def _with_traces(query: sa.CompoundSelect[Any]) -> tuple[sa.Subquery, sa.FromClause]:
    score = query.subquery("score")
    columns = (
        score.c[_OF_TRACE[column.name]].label(column.name)
        if column.name in _OF_TRACE
        else sa.cast(sa.null(), column.type).label(column.name)
        for column in traces.c
    )
    return score, sa.select(*columns).correlate(score).lateral("trace")
