"""Scores with the start and environment of their traces, mostly without reading the traces."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.schema import background_upgrades, scores, traces

MOST_JOINED: Final = 10_000
"""Scores without the start of their trace up to which reading the others alone is faster."""
_OWN = ("project_id", "trace_id", "score_id", "name", "source", "data_type", "value")
_OF_TRACE = {
    "project_id": "project_id",
    "trace_id": "trace_id",
    "start_time": "trace_start",
    "environment": "trace_environment",
}
"""Columns of scores by those of traces that they hold."""


def scores_filled(project_id: str) -> bool:
    """Return whether what scores hold of their traces is right, and most of the project's have it.

    An upgrade may not be finished, or many scores may have no trace.
    """
    unfinished = sa.exists().where(
        background_upgrades.c.name == "scores", background_upgrades.c.finished_at.is_(None)
    )
    waiting = sa.select(scores.c.score_id).where(*_not_filled(project_id)).limit(MOST_JOINED + 1)
    number = sa.select(sa.func.count()).select_from(waiting.subquery()).scalar_subquery()
    return bool(db.session.scalar(sa.select(~unfinished & (number <= MOST_JOINED))))


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
    own = [scores.c[name] for name in (*_OWN, "string_value")]
    filled = sa.select(*own, scores.c.trace_start, scores.c.trace_environment).where(
        scores.c.project_id == project_id, scores.c.trace_start.is_not(None)
    )
    same = sa.and_(
        traces.c.project_id == scores.c.project_id, traces.c.trace_id == scores.c.trace_id
    )
    others = (
        sa.select(
            *own,
            traces.c.start_time.label("trace_start"),
            traces.c.environment.label("trace_environment"),
        )
        .select_from(scores.join(traces, same))
        .where(*_not_filled(project_id))
    )
    score = sa.union_all(filled, others).subquery("score")
    columns = (
        score.c[_OF_TRACE[column.name]].label(column.name)
        if column.name in _OF_TRACE
        else sa.cast(sa.null(), column.type).label(column.name)
        for column in traces.c
    )
    return score, sa.select(*columns).correlate(score).lateral("trace")
