"""Reads scores across traces, sessions and runs, newest first, with fields of their traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.database.conditions import (
    Column,
    Condition,
    Field,
    day,
    metadata_field,
    month,
    numbers_of,
    related,
    where,
)
from tracer.store.library.experiments import run_column
from tracer.store.schema import dataset_runs, scores, span_payloads, spans, traces
from tracer.store.scores.scores import ScoreRow


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundScore(ScoreRow):
    """A score with fields of its trace; None without a trace, or until the trace arrives."""

    trace_user_id: str | None
    trace_session_id: str | None
    trace_environment: str | None
    trace_tags: list[str] | None


class ScoreKey(NamedTuple):
    """The sort key of the last score of a page."""

    time: datetime
    score_id: str


_OF_TRACE = {
    "trace_user_id": traces.c.user_id,
    "trace_session_id": traces.c.session_id,
    "trace_environment": traces.c.environment,
    "trace_tags": traces.c.tags,
}
_TRACE_ID = sa.func.nullif(scores.c.trace_id, "", type_=sa.Text)


def _of_span(column: Column, table: sa.Table) -> Column:
    return related(column, table, scores, ("trace_id", "span_id"))


_METADATA = metadata_field(scores.c.metadata)
FIELDS: dict[str, Field] = {
    **{
        name: Field(scores.c[name])
        for name in (
            "score_id",
            "span_id",
            "session_id",
            "name",
            "data_type",
            "value",
            "string_value",
            "comment",
            "source",
            "time",
            "config_id",
            "queue_id",
            "run_id",
            "author_id",
        )
    },
    **{name: Field(column) for name, column in _OF_TRACE.items()},
    "trace_id": Field(_TRACE_ID),
    "environment": Field(
        sa.func.coalesce(
            scores.c.environment, traces.c.environment, sa.literal("default"), type_=sa.Text
        )
    ),
    "metadata": _METADATA,
    "metadata_number": numbers_of(_METADATA),
    "month": Field(month(scores.c.time)),
    "day": Field(day(scores.c.time)),
    "flag": Field(scores.c.value != 0),
    "trace_name": Field(traces.c.name),
    "trace_release": Field(traces.c.release),
    "trace_version": Field(traces.c.version),
    "span_name": Field(_of_span(spans.c.name, spans)),
    "span_model": Field(_of_span(spans.c.model, spans)),
    "prompt_name": Field(_of_span(span_payloads.c.prompt_name, span_payloads)),
    "prompt_version": Field(_of_span(span_payloads.c.prompt_version, span_payloads)),
    "answered_run_id": Field(run_column(dataset_runs.c.run_id, scores)),
    "answered_run_name": Field(run_column(dataset_runs.c.name, scores)),
}
"""The fields that conditions on scores can name."""


def list_scores(
    project_id: str,
    conditions: Sequence[Condition],
    *,
    after: ScoreKey | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[FoundScore]:
    """Return scores that fulfil the conditions, newest first; raises Invalid."""
    columns = [
        _OF_TRACE[name].label(name) if name in _OF_TRACE else scores.c[name]
        for name in FoundScore.__dataclass_fields__
    ]
    query = rows(sa.select(*columns), project_id, conditions)
    if after is not None:
        last = sa.tuple_(sa.literal(after.time), sa.literal(after.score_id))
        query = query.where(sa.tuple_(scores.c.time, scores.c.score_id) < last)
    query = query.order_by(scores.c.time.desc(), scores.c.score_id.desc())
    result = db.session.execute(query.limit(limit).offset(offset)).mappings()
    return [FoundScore(**{**row, "trace_id": row["trace_id"] or None}) for row in result]


def count_scores(project_id: str, conditions: Sequence[Condition]) -> int:
    """Return how many scores fulfil the conditions; raises Invalid."""
    query = rows(sa.select(sa.func.count()), project_id, conditions)
    return int(db.session.execute(query).scalar_one())


def rows(query: sa.Select[Any], project_id: str, conditions: Sequence[Condition]) -> sa.Select[Any]:
    """Return the query restricted to the project's scores that fulfil the conditions."""
    trace = sa.and_(
        traces.c.project_id == scores.c.project_id, traces.c.trace_id == scores.c.trace_id
    )
    return (
        query.select_from(scores.outerjoin(traces, trace))
        .where(scores.c.project_id == project_id)
        .where(*where(list(conditions), FIELDS))
    )
