"""Reads of experiments and of their results: pages by cursor, groups of fields."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from flask import Blueprint, Response
from msgspec import Meta

from tracer.api.langfuse import answers
from tracer.api.langfuse.answers import Answer, json_time_in_millis_or_none
from tracer.api.langfuse.filters import read_filter, with_filter
from tracer.api.langfuse.params import (
    Query,
    decode_cursor,
    encode_cursor,
    read_params,
    split,
)
from tracer.api.langfuse.scores.scores_v3 import score_v3
from tracer.api.langfuse.traces.observations_v2 import CursorMeta
from tracer.errors import Invalid
from tracer.records import Json
from tracer.store.database.conditions import Condition
from tracer.store.library import datasets, experiments
from tracer.store.library.datasets import DatasetItem
from tracer.store.library.experiments import (
    Experiment,
    ExperimentKey,
    ExperimentResult,
    ExperimentResultKey,
)
from tracer.store.scores import search
from tracer.store.traces import span_search, traces
from tracer.store.traces.span_search import FoundSpan
from tracer.store.traces.traces import TraceDetail
from tracer.times import json_time_in_millis
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, reply, set_up
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.library.experiments import experiment_object, experiment_value
from tracer.wire.native.requests import Time

GROUPS: Final = ("core", "metadata", "scores")
ITEM_GROUPS: Final = (
    "core",
    "dataset",
    "io",
    "metadata",
    "itemMetadata",
    "experimentMetadata",
    "scores",
)
COLUMNS: Final = {"id": "run_id", "name": "name", "datasetId": "dataset_id"}
ITEM_COLUMNS: Final = {
    "experimentId": "run_id",
    "experimentName": "name",
    "experimentItemId": "item_id",
    "experimentDatasetId": "dataset_id",
    "datasetId": "dataset_id",
}
Listed = Annotated[str, Meta(description="one or several, with commas")]

bp = Blueprint("langfuse_experiments", __name__, url_prefix=PREFIX)
set_up(bp)


class _Paged(Query, kw_only=True):
    """A page, after a cursor, of results within a time range."""

    from_start_time: Time
    to_start_time: Annotated[Time | None, Meta(description="exclusive")] = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    score_limit: Annotated[int, Meta(ge=1, le=50)] = 50
    cursor: str | None = None
    dataset_id: Listed | None = None
    filter: Annotated[str | None, Meta(description="JSON: conditions on these parameters")] = None


class ExperimentsQuery(_Paged, kw_only=True):
    """Conditions on experiments."""

    fields: Annotated[str | None, Meta(description=", ".join(GROUPS))] = None
    id: Listed | None = None
    name: Listed | None = None


class ExperimentItemsQuery(_Paged, kw_only=True):
    """Conditions on results."""

    fields: Annotated[str | None, Meta(description=", ".join(ITEM_GROUPS))] = None
    experiment_id: Listed | None = None
    experiment_name: Listed | None = None
    experiment_item_id: Listed | None = None


class Experiments(Answer, kw_only=True):
    """A page of experiments, or of their results."""

    data: list[dict[str, Any]]
    meta: CursorMeta


@bp.get("/experiments")
@describe(
    Operation(
        summary="List experiments",
        query=ExperimentsQuery,
        answers={200: Experiments},
        problems=PROBLEMS,
    )
)
def list_experiments() -> Response:
    """Return a page of the experiments with results in the time range, the latest result first."""
    query = read_params(ExperimentsQuery)
    groups = _groups(query.fields, GROUPS, "core")
    listed = {"run_id": query.id, "name": query.name}
    after = None
    if query.cursor is not None:
        after = ExperimentKey(*decode_cursor(query.cursor, tuple[datetime, str]))
    rows = experiments.list_experiments(
        current_project_id(), _conditions(query, listed, COLUMNS), after, query.limit + 1
    )
    page, meta = rows[: query.limit], CursorMeta()
    if len(rows) > query.limit:
        meta.cursor = encode_cursor(*ExperimentKey(page[-1].end_time, page[-1].run_id))
    return reply(
        Experiments(data=[_experiment(row, groups, query.score_limit) for row in page], meta=meta)
    )


@bp.get("/experiment-items")
@describe(
    Operation(
        summary="List the results of experiments",
        query=ExperimentItemsQuery,
        answers={200: Experiments},
        problems=PROBLEMS,
    )
)
def list_experiment_items() -> Response:
    """Return a page of the results of experiments, newest first."""
    query = read_params(ExperimentItemsQuery)
    groups = _groups(query.fields, ITEM_GROUPS, "core,dataset")
    listed = {
        "run_id": query.experiment_id,
        "name": query.experiment_name,
        "item_id": query.experiment_item_id,
    }
    after = None
    if query.cursor is not None:
        after = ExperimentResultKey(*decode_cursor(query.cursor, tuple[datetime, str, str]))
    rows = experiments.list_experiment_results(
        current_project_id(), _conditions(query, listed, ITEM_COLUMNS), after, query.limit + 1
    )
    page, meta = rows[: query.limit], CursorMeta()
    if len(rows) > query.limit:
        last = page[-1]
        last_id = last.span_id or last.trace_id
        meta.cursor = encode_cursor(*ExperimentResultKey(last.start_time, last.run.run_id, last_id))
    spans = _spans(page)
    data = [
        _item(row, result, groups, query.score_limit)
        for row in page
        if (result := _answer(row, spans)) is not None
    ]
    return reply(Experiments(data=data, meta=meta))


def _groups(fields: str | None, known: tuple[str, ...], default: str) -> set[str]:
    groups = set(split(fields or default))
    if unknown := groups - set(known):
        raise Invalid.of_field(
            "fields", f"expected any of {', '.join(known)}, got {sorted(unknown)[0]!r}"
        )
    return groups


def _conditions(
    query: _Paged, listed: dict[str, str | None], columns: dict[str, str]
) -> list[Condition]:
    conditions = [Condition("start_time", ">=", query.from_start_time)]
    if query.to_start_time is not None:
        conditions.append(Condition("start_time", "<", query.to_start_time))
    for field, values in {**listed, "dataset_id": query.dataset_id}.items():
        if values is not None:
            conditions.append(Condition(field, "any of", split(values)))
    return with_filter(conditions, read_filter(query.filter, columns))


def _spans(page: Sequence[ExperimentResult]) -> dict[tuple[str, str], FoundSpan]:
    conditions = [
        Condition("trace_id", "any of", sorted({row.trace_id for row in page})),
        Condition("span_id", "any of", sorted({row.span_id for row in page if row.span_id})),
    ]
    # Span ids may occur in several traces of the page.
    rows = span_search.list_spans(current_project_id(), conditions, limit=len(page) ** 2 + 1)
    return {(row.trace_id, row.span_id): row for row in rows}


def _answer(
    row: ExperimentResult, spans: dict[tuple[str, str], FoundSpan]
) -> FoundSpan | TraceDetail | None:
    """Return the span or trace of a result; None: it was deleted meanwhile."""
    if row.span_id is None:
        return traces.get_trace(current_project_id(), row.trace_id)
    return spans.get((row.trace_id, row.span_id))


def _experiment(row: Experiment, groups: set[str], limit: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": row.run_id,
        "name": row.name,
        "description": row.description,
        "startTime": json_time_in_millis(row.start_time),
        "endTime": json_time_in_millis(row.end_time),
        "itemCount": row.item_count,
        "datasetId": row.dataset_id,
    }
    if "metadata" in groups:
        fields["metadata"] = _object(row.metadata)
    if "scores" in groups:
        fields["scores"] = _scores("run_id", row.run_id, limit)
    return fields


def _item(
    row: ExperimentResult, answer: FoundSpan | TraceDetail, groups: set[str], limit: int
) -> dict[str, Any]:
    span = answer if isinstance(answer, FoundSpan) else None
    attributes = span.attributes if span else {}
    fields: dict[str, Any] = {
        "id": row.span_id or row.trace_id,
        "traceId": row.trace_id,
        "startTime": json_time_in_millis(answer.start_time),
        "endTime": json_time_in_millis_or_none(answer.end_time),
        "level": span.level.upper() if span else "DEFAULT",
        "environment": answers.environment_of(span) if span else answer.environment,
        "experimentId": row.run.run_id,
        "experimentName": row.run.name,
        "experimentItemId": row.item_id,
    }
    if "dataset" in groups:
        fields["experimentDatasetId"] = row.run.dataset_id
        version = _time(experiment_value(attributes, "item.version"))
        fields["experimentItemVersion"] = version or json_time_in_millis_or_none(
            row.dataset_version
        )
    if groups & {"io", "itemMetadata"}:
        item = datasets.get_item(current_project_id(), row.item_id)
    if "io" in groups:
        fields["input"], fields["output"] = answer.input, answer.output
        fields["expectedOutput"] = experiment_value(
            attributes, "item.expected_output"
        ) or _expected(item)
    if "metadata" in groups:
        fields["metadata"] = answer.metadata
    if "itemMetadata" in groups:
        sent_metadata = experiment_object(attributes, "item.metadata")
        fields["experimentItemMetadata"] = sent_metadata or (item and _object(item.metadata))
    if "experimentMetadata" in groups:
        fields["experimentMetadata"] = _object(row.run.metadata)
        fields["experimentDescription"] = row.run.description
    if "scores" in groups:
        fields["scores"] = _scores("trace_id", row.trace_id, limit)
    return fields


def _scores(column: str, subject_id: str, limit: int) -> list[dict[str, Any]]:
    rows = search.list_scores(
        current_project_id(), [Condition(column, "=", subject_id)], limit=limit
    )
    return [score_v3(row, ["details", "subject"]) for row in rows]


def _expected(item: DatasetItem | None) -> Json:
    return None if item is None else item.expected_output


def _object(value: Json) -> dict[str, Json] | None:
    return value if value is None or isinstance(value, dict) else {"metadata": value}


def _time(value: Json) -> str | None:
    """Return a sent time in Langfuse's format; None: clients would fail to parse an invalid one."""
    try:
        return (
            json_time_in_millis(datetime.fromisoformat(value)) if isinstance(value, str) else None
        )
    except ValueError:
        return None
