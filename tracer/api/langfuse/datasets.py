"""Datasets, their items and runs as Langfuse's clients create and read them."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response
from msgspec import UNSET

from tracer.api.langfuse.paging import iso, offset_of, page
from tracer.ingestion.writing import json_body
from tracer.records import Refusal, WireError
from tracer.store import dataset_runs, datasets
from tracer.store.datasets import Dataset, DatasetItem, ForeignItem, UnknownDataset
from tracer.web.auth import project_id
from tracer.web.langfuse import PREFIX, reply, set_up
from tracer.web.operations import read_query
from tracer.web.problems import NotFound
from tracer.wire.langfuse.library import (
    DatasetBody,
    DatasetItemBody,
    DatasetItemQuery,
    PageQuery,
)
from tracer.wire.reading import read_item, read_json

_DATASET: Final = ("description", "metadata", "input_schema", "expected_output_schema")
_ITEM: Final = {
    "input": "input",
    "expected_output": "expected_output",
    "metadata": "metadata",
    "source_trace_id": "source_trace_id",
    "source_observation_id": "source_span_id",
}
"""Their names of an item's fields, and ours."""

bp = Blueprint("langfuse_datasets", __name__, url_prefix=PREFIX)
set_up(bp)


@bp.post("/v2/datasets")
@bp.post("/datasets", endpoint="create_dataset_v1")
def create_dataset() -> Response:
    """Make a dataset, or change what is told of the one that has this name."""
    sent = read_item(read_json(json_body()), DatasetBody)
    said = {name: value for name in _DATASET if (value := getattr(sent, name)) is not UNSET}
    return reply(dataset_shape(datasets.save_dataset(project_id(), sent.name, said)))


@bp.get("/v2/datasets")
def list_datasets() -> Response:
    """Return a page of datasets, the newest first."""
    query = read_query(PageQuery)
    rows, total = datasets.list_datasets(project_id(), query.limit, offset_of(query))
    return reply(page(query, [dataset_shape(row) for row in rows], total))


@bp.get("/v2/datasets/<id:name>")
def read_dataset(name: str) -> Response:
    """Return a dataset, without its items."""
    return reply(dataset_shape(find_dataset(name)))


@bp.post("/dataset-items")
def create_item() -> Response:
    """Add an item to a dataset, or give the one of that id a new state."""
    sent = read_item(read_json(json_body()), DatasetItemBody)
    said: dict[str, Any] = {
        ours: value
        for theirs, ours in _ITEM.items()
        if (value := getattr(sent, theirs)) is not UNSET
    }
    if isinstance(sent.status, str):
        said["archived"] = sent.status == "ARCHIVED"
    try:
        item, dataset = datasets.save_item(project_id(), sent.dataset_name, sent.id, said)
    except UnknownDataset:
        raise NotFound(f"Dataset not found: {sent.dataset_name!r}") from None
    except ForeignItem as error:
        raise WireError(
            str(error), refusals=[Refusal(item="", field="id", reason=str(error))]
        ) from None
    return reply(item_shape(item, dataset.name))


@bp.get("/dataset-items")
def list_items() -> Response:
    """Return a page of items as they are, or as they were at the time ``version``."""
    query = read_query(DatasetItemQuery)
    dataset = None if query.dataset_name is None else find_dataset(query.dataset_name)
    rows, total = datasets.list_items(
        project_id(),
        None if dataset is None else dataset.dataset_id,
        source_trace_id=query.source_trace_id,
        source_span_id=query.source_observation_id,
        at=query.version,
        limit=query.limit,
        offset=offset_of(query),
    )
    names = datasets.names_of(project_id(), {row.dataset_id for row in rows})
    return reply(page(query, [item_shape(row, names[row.dataset_id]) for row in rows], total))


@bp.get("/dataset-items/<id:item_id>")
def read_item_of(item_id: str) -> Response:
    """Return an item as it is now."""
    item = find_item(item_id)
    names = datasets.names_of(project_id(), {item.dataset_id})
    return reply(item_shape(item, names[item.dataset_id]))


@bp.delete("/dataset-items/<id:item_id>")
def delete_item(item_id: str) -> Response:
    """End an item; the dataset as of before keeps it."""
    if not datasets.delete_item(project_id(), item_id):
        raise NotFound(f"Dataset item not found: {item_id!r}")
    return reply({"message": "Dataset item successfully deleted"})


@bp.get("/datasets/<id:name>")
def read_dataset_with_items(name: str) -> Response:
    """Return a dataset with its items and the names of its runs, as the first SDKs read it."""
    dataset = find_dataset(name)
    rows, _ = datasets.list_items(project_id(), dataset.dataset_id, limit=10_000)
    runs, _ = dataset_runs.list_runs(project_id(), dataset.dataset_id, 10_000)
    shape = dataset_shape(dataset) | {
        "items": [item_shape(row, dataset.name) for row in rows],
        "runs": [run.name for run in runs],
    }
    return reply(shape)


def find_dataset(name: str) -> Dataset:
    """Return the dataset of that name; raises NotFound."""
    found = datasets.get_dataset(project_id(), name)
    if found is None:
        raise NotFound(f"Dataset not found: {name!r}")
    return found


def find_item(item_id: str) -> DatasetItem:
    """Return the item of that id; raises NotFound."""
    found = datasets.get_item(project_id(), item_id)
    if found is None:
        raise NotFound(f"Dataset item not found: {item_id!r}")
    return found


def dataset_shape(row: Dataset) -> dict[str, Any]:
    """Return a dataset in Langfuse's words."""
    return {
        "id": row.dataset_id,
        "name": row.name,
        "description": row.description,
        "metadata": row.metadata,
        "inputSchema": row.input_schema,
        "expectedOutputSchema": row.expected_output_schema,
        "projectId": project_id(),
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
    }


def item_shape(row: DatasetItem, dataset_name: str) -> dict[str, Any]:
    """Return an item's state in Langfuse's words."""
    return {
        "id": row.item_id,
        "status": "ARCHIVED" if row.archived else "ACTIVE",
        "input": row.input,
        "expectedOutput": row.expected_output,
        "metadata": row.metadata,
        "sourceTraceId": row.source_trace_id,
        "sourceObservationId": row.source_span_id,
        "datasetId": row.dataset_id,
        "datasetName": dataset_name,
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.valid_from),
        "version": iso(row.valid_from),
        "mediaReferences": [],
    }
