"""Experiments: dataset runs in the order of their results, also runs without a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.database.conditions import Column, Condition, Field, where
from tracer.store.library.dataset_runs import DatasetRun
from tracer.store.schema import dataset_run_items as items
from tracer.store.schema import dataset_runs as runs
from tracer.store.schema import payload_of_trace, spans, trace_payloads, traces


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment(DatasetRun):
    """A run with the time and number of its results."""

    start_time: datetime
    end_time: datetime
    item_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ExperimentResult:
    """The result of an item; `span_id` None: a trace without a root span."""

    run: DatasetRun
    item_id: str
    trace_id: str
    span_id: str | None
    start_time: datetime
    dataset_version: datetime | None
    """The time as of which the application read the dataset; None: it was not sent."""


class ExperimentKey(NamedTuple):
    """The sort key of the last experiment of a page."""

    end_time: datetime
    run_id: str


class ExperimentResultKey(NamedTuple):
    """The sort key of the last result of a page."""

    start_time: datetime
    run_id: str
    id: str
    """The span id, or the trace id where there is no span."""


_started = sa.func.coalesce(spans.c.start_time, traces.c.start_time)
_ended = sa.func.max(sa.func.coalesce(spans.c.end_time, spans.c.start_time, traces.c.end_time))
_id = sa.func.coalesce(spans.c.span_id, traces.c.trace_id)
FIELDS = {
    "run_id": Field(runs.c.run_id),
    "name": Field(runs.c.name),
    "dataset_id": Field(runs.c.dataset_id),
    "item_id": Field(items.c.item_id),
    "start_time": Field(_started),
}
"""The fields in conditions of both lists."""


def run_column(column: Column, rows: sa.Table) -> Column:
    """Return a column of the first run that has the trace of a row as a result."""
    run = sa.and_(runs.c.project_id == items.c.project_id, runs.c.run_id == items.c.run_id)
    return (
        sa.select(column)
        .select_from(items.join(runs, run))
        .where(items.c.project_id == rows.c.project_id, items.c.linked_trace_id == rows.c.trace_id)
        .order_by(items.c.created_at, items.c.run_id)
        .limit(1)
        .correlate(rows)
        .scalar_subquery()
    )


_RUN = [runs.c[field.name] for field in fields(DatasetRun)]


def list_experiments(
    project_id: str, conditions: Sequence[Condition], after: ExperimentKey | None, limit: int
) -> list[Experiment]:
    """Return the runs with results that fulfil the conditions, latest result first.

    Leaves out results whose trace was deleted. Raises Invalid.
    """
    columns = (*_RUN, sa.func.min(_started), _ended, sa.func.count())
    query = _results_query(project_id, conditions, *columns)
    query = query.group_by(runs.c.project_id, runs.c.run_id).order_by(_ended.desc(), runs.c.run_id)
    if after is not None:
        earlier = sa.and_(_ended == after.end_time, runs.c.run_id > after.run_id)
        query = query.having(sa.or_(_ended < after.end_time, earlier))
    return [
        Experiment(**_run(row), start_time=row[-3], end_time=row[-2], item_count=row[-1])
        for row in db.session.execute(query.limit(limit))
    ]


def list_experiment_results(
    project_id: str, conditions: Sequence[Condition], after: ExperimentResultKey | None, limit: int
) -> list[ExperimentResult]:
    """Return the results that fulfil the conditions, newest first. Raises Invalid."""
    result = (items.c.item_id, traces.c.trace_id, spans.c.span_id, _started)
    columns = (*_RUN, *result, items.c.dataset_version)
    query = _results_query(project_id, conditions, *columns)
    query = query.order_by(_started.desc(), runs.c.run_id, _id)
    if after is not None:
        ids = sa.tuple_(runs.c.run_id, _id)
        last = sa.tuple_(sa.literal(after.run_id), sa.literal(after.id))
        same = sa.and_(_started == after.start_time, ids > last)
        query = query.where(sa.or_(_started < after.start_time, same))
    return [
        ExperimentResult(
            run=DatasetRun(**_run(row)),
            item_id=row[-5],
            trace_id=row[-4],
            span_id=row[-3],
            start_time=row[-2],
            dataset_version=row[-1],
        )
        for row in db.session.execute(query.limit(limit))
    ]


def _results_query(
    project_id: str, conditions: Sequence[Condition], *columns: Any
) -> sa.Select[Any]:
    """Return the query over results; a result that is a trace has its root span, if any."""
    run = sa.and_(runs.c.project_id == items.c.project_id, runs.c.run_id == items.c.run_id)
    trace = sa.and_(
        traces.c.project_id == items.c.project_id, traces.c.trace_id == items.c.linked_trace_id
    )
    span = sa.and_(
        spans.c.project_id == traces.c.project_id,
        spans.c.trace_id == traces.c.trace_id,
        spans.c.span_id == sa.func.coalesce(items.c.linked_span_id, trace_payloads.c.root_span_id),
        ~spans.c.placeholder,
    )
    return (
        sa.select(*columns)
        .select_from(
            items.join(runs, run)
            .join(traces, trace)
            .join(trace_payloads, payload_of_trace)
            .outerjoin(spans, span)
        )
        .where(items.c.project_id == project_id)
        .where(*where(list(conditions), FIELDS))
    )


def _run(row: sa.Row[Any]) -> dict[str, Any]:
    return {field.name: row._mapping[field.name] for field in fields(DatasetRun)}
