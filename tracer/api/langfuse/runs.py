"""Runs of datasets as Langfuse's clients record and read them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from tracer.api.langfuse.datasets import find_dataset, find_item
from tracer.api.langfuse.paging import iso, offset_of, page
from tracer.ingestion.writing import json_body
from tracer.records import Refusal, WireError
from tracer.store import dataset_runs
from tracer.store.dataset_runs import DatasetRun, RunItem
from tracer.web.auth import project_id
from tracer.web.langfuse import PREFIX, reply, set_up
from tracer.web.operations import read_query
from tracer.web.problems import NotFound
from tracer.wire.langfuse.library import PageQuery, RunItemBody, RunItemQuery
from tracer.wire.reading import read_item, read_json

bp = Blueprint("langfuse_runs", __name__, url_prefix=PREFIX)
set_up(bp)


@bp.post("/dataset-run-items")
def create_run_item() -> Response:
    """Record that a trace answered an item; the run is made where there is none of that name."""
    sent = read_item(read_json(json_body()), RunItemBody)
    trace_id = sent.trace_id
    if trace_id is None:
        reason = "expected the id of the trace that answered the item"
        raise WireError(reason, refusals=[Refusal(item="", field="traceId", reason=reason)])
    item = find_item(sent.dataset_item_id)
    run = dataset_runs.save_run(
        project_id(), item.dataset_id, sent.run_name, sent.run_description, sent.metadata
    )
    made = dataset_runs.add_run_item(
        project_id(),
        run.run_id,
        item.item_id,
        trace_id,
        sent.observation_id,
        sent.created_at,
    )
    return reply(_item_shape(made, run))


@bp.get("/dataset-run-items")
def list_run_items() -> Response:
    """Return a page of a run's items."""
    query = read_query(RunItemQuery)
    run = dataset_runs.get_run(project_id(), query.dataset_id, query.run_name)
    if run is None:
        raise NotFound(f"Dataset run not found: {query.run_name!r}")
    rows, total = dataset_runs.list_run_items(
        project_id(), run.run_id, query.limit, offset_of(query)
    )
    return reply(page(query, [_item_shape(row, run) for row in rows], total))


@bp.get("/datasets/<id:name>/runs")
def list_runs(name: str) -> Response:
    """Return a page of a dataset's runs, the newest first."""
    query, dataset = read_query(PageQuery), find_dataset(name)
    rows, total = dataset_runs.list_runs(
        project_id(), dataset.dataset_id, query.limit, offset_of(query)
    )
    return reply(page(query, [_run_shape(row, dataset.name) for row in rows], total))


@bp.get("/datasets/<id:name>/runs/<id:run>")
def read_run(name: str, run: str) -> Response:
    """Return a run with all its items."""
    dataset = find_dataset(name)
    found = dataset_runs.get_run(project_id(), dataset.dataset_id, run)
    if found is None:
        raise NotFound(f"Dataset run not found: {run!r}")
    rows, _ = dataset_runs.list_run_items(project_id(), found.run_id)
    items = [_item_shape(row, found) for row in rows]
    return reply(_run_shape(found, dataset.name) | {"datasetRunItems": items})


@bp.delete("/datasets/<id:name>/runs/<id:run>")
def delete_run(name: str, run: str) -> Response:
    """Delete a run with its items; the traces stay."""
    dataset = find_dataset(name)
    if not dataset_runs.delete_run(project_id(), dataset.dataset_id, run):
        raise NotFound(f"Dataset run not found: {run!r}")
    return reply({"message": "Dataset run successfully deleted"})


def _run_shape(row: DatasetRun, dataset_name: str) -> dict[str, Any]:
    return {
        "id": row.run_id,
        "name": row.name,
        "description": row.description,
        "metadata": row.metadata,
        "datasetId": row.dataset_id,
        "datasetName": dataset_name,
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
    }


def _item_shape(row: RunItem, run: DatasetRun) -> dict[str, Any]:
    return {
        "id": row.run_item_id,
        "datasetRunId": run.run_id,
        "datasetRunName": run.name,
        "datasetItemId": row.item_id,
        "traceId": row.linked_trace_id,
        "observationId": row.linked_span_id,
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.created_at),
    }
