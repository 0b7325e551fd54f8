"""Dataset runs in Langfuse's format: their records, reads and deletes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.library.datasets import find_dataset, find_item
from tracer.api.langfuse.params import PageMeta, PageQuery, TimesQuery, page_meta, read_params
from tracer.errors import Invalid
from tracer.records import Json
from tracer.store.database.session import transaction
from tracer.store.library import dataset_runs
from tracer.store.library.dataset_runs import DatasetRun, RunItem
from tracer.store.traces import span_search
from tracer.times import json_time, json_time_in_millis
from tracer.web.answers.traces import Time
from tracer.web.bodies import json_body
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import (
    PREFIX,
    PROBLEMS,
    WRITE_PROBLEMS,
    Message,
    missing,
    reply,
    set_up,
    unknown,
)
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.library.bodies import RunItemBody
from tracer.wire.langfuse.library.experiments import run_id
from tracer.wire.langfuse.times import read_sent
from tracer.wire.reading import read_storable_json

bp = Blueprint("langfuse_runs", __name__, url_prefix=PREFIX)
set_up(bp)


class RunItemQuery(TimesQuery, kw_only=True):
    """Which run's items to list."""

    dataset_id: str
    run_name: str


class RunItemAnswer(Answer, kw_only=True):
    """The record of the trace, or observation in it, that a run produced for an item."""

    id: str
    dataset_run_id: str
    dataset_run_name: str
    dataset_item_id: str
    trace_id: str
    observation_id: str | None
    created_at: Time
    updated_at: Time


class RunItemList(Answer, kw_only=True):
    """A page of a run's items."""

    data: list[RunItemAnswer]
    meta: PageMeta


class RunAnswer(Answer, kw_only=True):
    """A run of a dataset."""

    id: str
    name: str
    description: str | None
    metadata: Any
    dataset_id: str
    dataset_name: str
    created_at: Time
    updated_at: Time


class RunList(Answer, kw_only=True):
    """A page of a dataset's runs."""

    data: list[RunAnswer]
    meta: PageMeta


class WholeRun(RunAnswer, kw_only=True):
    """A run with all its items."""

    dataset_run_items: list[RunItemAnswer]


@bp.post("/dataset-run-items")
@describe(
    Operation(
        summary="Record the trace of an item",
        body=RunItemBody,
        answers={200: RunItemAnswer},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def create_run_item() -> Response:
    """Record the trace of an item; a run of a new name is created."""
    sent = read_sent(read_storable_json(json_body()), RunItemBody)
    trace_id = _trace_id(sent)
    item = find_item(sent.dataset_item_id, sent.dataset_version)
    with transaction():
        run = dataset_runs.save_run(
            current_project_id(),
            item.dataset_id,
            sent.run_name,
            sent.run_description,
            None if sent.metadata is None else _metadata(sent),
            run_id(current_project_id(), item.dataset_id, sent.run_name),
            _new_run_fields(sent),
        )
        made = dataset_runs.add_run_item(
            current_project_id(),
            run.run_id,
            item.item_id,
            trace_id,
            sent.observation_id,
            sent.created_at,
            sent.dataset_version,
        )
    return reply(_item(made, run))


def _new_run_fields(sent: RunItemBody) -> dict[str, Any]:
    """Return the fields that a new run gets from its first item: time and metadata."""
    fields: dict[str, Any] = {"metadata": _metadata(sent)}
    if sent.created_at is not None:
        fields["created_at"] = sent.created_at
    return fields


def _metadata(sent: RunItemBody) -> Json:
    """Return the sent metadata of the run, with the version of the dataset that it was run on."""
    if sent.dataset_version is None or not isinstance(sent.metadata or {}, dict):
        return sent.metadata
    version = json_time_in_millis(sent.dataset_version)
    return {**(sent.metadata or {}), "dataset_version": version}


def _trace_id(sent: RunItemBody) -> str:
    """Return the trace of the item, or else of the observation; raises Invalid, NotFound."""
    if sent.trace_id is not None:
        return sent.trace_id
    if sent.observation_id is None:
        raise Invalid.of_field("traceId", "expected the id of the item's trace or observation")
    trace_id = span_search.trace_of(current_project_id(), sent.observation_id)
    if trace_id is None:
        raise missing("Observation", sent.observation_id)
    return trace_id


@bp.get("/dataset-run-items")
@describe(
    Operation(
        summary="List a run's items",
        query=RunItemQuery,
        answers={200: RunItemList},
        problems=(*PROBLEMS, 404),
    )
)
def list_run_items() -> Response:
    """Return a page of a run's items."""
    query = read_params(RunItemQuery)
    run = dataset_runs.get_run(current_project_id(), query.dataset_id, query.run_name)
    if run is None:
        raise unknown("Dataset run", query.run_name)
    rows, total = dataset_runs.list_run_items(
        current_project_id(),
        run.run_id,
        query.limit,
        query.offset,
        since=query.from_timestamp,
        until=query.to_timestamp,
    )
    data = [_item(row, run) for row in rows]
    return reply(RunItemList(data=data, meta=page_meta(query, total)))


@bp.get("/datasets/<id:name>/runs")
@describe(
    Operation(
        summary="List a dataset's runs",
        query=PageQuery,
        answers={200: RunList},
        problems=(*PROBLEMS, 404),
    )
)
def list_runs(name: str) -> Response:
    """Return a page of a dataset's runs, the newest first."""
    query, dataset = read_params(PageQuery), find_dataset(name)
    rows, total = dataset_runs.list_runs(
        current_project_id(), dataset.dataset_id, query.limit, query.offset
    )
    data = [RunAnswer(**_run_fields(row, dataset.name)) for row in rows]
    return reply(RunList(data=data, meta=page_meta(query, total)))


@bp.get("/datasets/<id:name>/runs/<id:run>")
@describe(Operation(summary="Read a run", answers={200: WholeRun}, problems=(*PROBLEMS, 404)))
def read_run(name: str, run: str) -> Response:
    """Return a run with all its items."""
    dataset = find_dataset(name)
    dataset_run = dataset_runs.get_run(current_project_id(), dataset.dataset_id, run)
    if dataset_run is None:
        raise unknown("Dataset run", run)
    rows, _ = dataset_runs.list_run_items(current_project_id(), dataset_run.run_id)
    items = [_item(row, dataset_run) for row in rows]
    return reply(WholeRun(**_run_fields(dataset_run, dataset.name), dataset_run_items=items))


@bp.delete("/datasets/<id:name>/runs/<id:run>")
@describe(Operation(summary="Delete a run", answers={200: Message}, problems=(*PROBLEMS, 404)))
def delete_run(name: str, run: str) -> Response:
    """Delete a run with its items; the traces stay."""
    dataset = find_dataset(name)
    with transaction():
        deleted = dataset_runs.delete_run(current_project_id(), dataset.dataset_id, run)
    if not deleted:
        raise unknown("Dataset run", run)
    return reply(Message(message="Dataset run successfully deleted"))


def _run_fields(row: DatasetRun, dataset_name: str) -> dict[str, Any]:
    return {
        "id": row.run_id,
        "name": row.name,
        "description": row.description,
        "metadata": row.metadata,
        "dataset_id": row.dataset_id,
        "dataset_name": dataset_name,
        "created_at": json_time(row.created_at),
        "updated_at": json_time(row.updated_at),
    }


def _item(row: RunItem, run: DatasetRun) -> RunItemAnswer:
    return RunItemAnswer(
        id=row.run_item_id,
        dataset_run_id=run.run_id,
        dataset_run_name=run.name,
        dataset_item_id=row.item_id,
        trace_id=row.linked_trace_id,
        observation_id=row.linked_span_id,
        created_at=json_time(row.created_at),
        updated_at=json_time(row.created_at),
    )
