"""Datasets and their items in Langfuse's format: writes and reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from flask import Blueprint, Response
from msgspec import UNSET, Meta

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.library.item_media import ItemMedia, item_media, media_in
from tracer.api.langfuse.params import PageMeta, PageQuery, page_meta, read_params
from tracer.errors import Invalid
from tracer.store.database.session import transaction
from tracer.store.library import datasets
from tracer.store.library.datasets import Dataset, DatasetItem
from tracer.store.library.item_schemas import ItemSchema, ItemSchemas
from tracer.times import json_time
from tracer.web.answers.traces import Time
from tracer.web.bodies import json_body
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import (
    PREFIX,
    PROBLEMS,
    WRITE_PROBLEMS,
    Message,
    reply,
    set_up,
    unknown,
)
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.library.bodies import DatasetBody, DatasetItemBody
from tracer.wire.langfuse.times import read_sent
from tracer.wire.native.requests import Time as SentTime
from tracer.wire.reading import read_storable_json

_DATASET: Final = ("description", "metadata", "input_schema", "expected_output_schema")
_SCHEMAS: Final = {
    "input_schema": "inputSchema",
    "expected_output_schema": "expectedOutputSchema",
}
_ITEM: Final = {
    "input": "input",
    "expected_output": "expected_output",
    "metadata": "metadata",
    "source_trace_id": "source_trace_id",
    "source_observation_id": "source_span_id",
}
"""Names of an item's fields: Langfuse's to Tracer's."""

bp = Blueprint("langfuse_datasets", __name__, url_prefix=PREFIX)
set_up(bp)


class DatasetItemQuery(PageQuery, kw_only=True):
    """Which items to list, and as of which time."""

    dataset_name: str | None = None
    source_trace_id: str | None = None
    source_observation_id: str | None = None
    version: Annotated[SentTime | None, Meta(description="as they were at this time")] = None
    include_archived: Annotated[
        bool, Meta(description="also archived items, which only this server can list")
    ] = False


class DatasetAnswer(Answer, kw_only=True):
    """A dataset without its items."""

    id: str
    name: str
    description: str | None
    metadata: Any
    input_schema: Any
    expected_output_schema: Any
    project_id: str
    created_at: Time
    updated_at: Time


class DatasetList(Answer, kw_only=True):
    """A page of datasets."""

    data: list[DatasetAnswer]
    meta: PageMeta


class ItemAnswer(Answer, kw_only=True):
    """One state of an item; its version is the time since which it is valid."""

    id: str
    status: str
    input: Any
    expected_output: Any
    metadata: Any
    source_trace_id: str | None
    source_observation_id: str | None
    dataset_id: str
    dataset_name: str
    created_at: Time
    updated_at: Time
    version: Time
    media_references: list[ItemMedia]


class ItemList(Answer, kw_only=True):
    """A page of items."""

    data: list[ItemAnswer]
    meta: PageMeta


@bp.post("/v2/datasets")
@describe(
    Operation(
        summary="Create or change a dataset",
        body=DatasetBody,
        answers={200: DatasetAnswer},
        problems=WRITE_PROBLEMS,
    )
)
def create_dataset() -> Response:
    """Create a dataset, or change the sent fields of the one of this name."""
    return reply(dataset_answer(save_dataset()))


def save_dataset() -> Dataset:
    """Return the dataset that the request's body creates or changes; raises Invalid."""
    sent = read_sent(read_storable_json(json_body()), DatasetBody)
    fields = {name: value for name in _DATASET if (value := getattr(sent, name)) is not UNSET}
    for name, sent_name in _SCHEMAS.items():
        ItemSchema(sent_name, fields.get(name))
    with transaction():
        row = datasets.save_dataset(current_project_id(), sent.name, fields)
        if _SCHEMAS.keys() & fields.keys():
            _check_items(row)
    return row


def _check_items(dataset: Dataset) -> None:
    """Raise Invalid where an item of the dataset does not conform to its schemas."""
    if dataset.input_schema is None and dataset.expected_output_schema is None:
        return
    items, _ = datasets.list_items(current_project_id(), dataset.dataset_id, limit=None)
    schemas = ItemSchemas(dataset, "expectedOutput")
    refused = {
        item.item_id: mismatches[0] for item in items if (mismatches := schemas.mismatches(item))
    }
    for first, reason in refused.items():
        raise Invalid(f"validation failed for {len(refused)} item(s), first {first!r}: {reason}")


@bp.get("/v2/datasets")
@describe(
    Operation(
        summary="List datasets", query=PageQuery, answers={200: DatasetList}, problems=PROBLEMS
    )
)
def list_datasets() -> Response:
    """Return a page of datasets, the newest first."""
    query = read_params(PageQuery)
    rows, total = datasets.list_datasets(current_project_id(), query.limit, query.offset)
    data = [dataset_answer(row) for row in rows]
    return reply(DatasetList(data=data, meta=page_meta(query, total)))


@bp.get("/v2/datasets/<id:name>")
@describe(
    Operation(summary="Read a dataset", answers={200: DatasetAnswer}, problems=(*PROBLEMS, 404))
)
def read_dataset(name: str) -> Response:
    """Return a dataset without its items."""
    return reply(dataset_answer(find_dataset(name)))


@bp.post("/dataset-items")
@describe(
    Operation(
        summary="Add an item, or a new state of one",
        body=DatasetItemBody,
        answers={200: ItemAnswer},
        problems=(*WRITE_PROBLEMS, 404, 409),
    )
)
def create_item() -> Response:
    """Add an item to a dataset, or a new state to the item of that id."""
    sent = read_sent(read_storable_json(json_body()), DatasetItemBody)
    fields: dict[str, Any] = {
        field: value
        for sent_name, field in _ITEM.items()
        if (value := getattr(sent, sent_name)) is not UNSET
    }
    if isinstance(sent.status, str):
        fields["archived"] = sent.status == "ARCHIVED"
    dataset = find_dataset(sent.dataset_name)
    with transaction():
        item = datasets.save_item(current_project_id(), dataset.dataset_id, sent.id, fields)
        item_errors = ItemSchemas(dataset, "expectedOutput").mismatches(item)
        if item_errors and not item.archived:
            reason = "validation failed: the item does not conform to its dataset's schema"
            raise Invalid(reason, item_errors)
    return reply(item_answers([item])[0])


@bp.get("/dataset-items")
@describe(
    Operation(
        summary="List items",
        query=DatasetItemQuery,
        answers={200: ItemList},
        problems=(*PROBLEMS, 404),
    )
)
def list_items() -> Response:
    """Return a page of items in their current state, or as of the time ``version``."""
    query = read_params(DatasetItemQuery)
    if query.version is not None and query.dataset_name is None:
        raise Invalid.of_field("version", "expected datasetName beside it")
    dataset = None if query.dataset_name is None else find_dataset(query.dataset_name)
    rows, total = datasets.list_items(
        current_project_id(),
        None if dataset is None else dataset.dataset_id,
        source_trace_id=query.source_trace_id,
        source_span_id=query.source_observation_id,
        as_of=query.version,
        archived=query.include_archived,
        limit=query.limit,
        offset=query.offset,
    )
    return reply(ItemList(data=item_answers(rows), meta=page_meta(query, total)))


@bp.get("/dataset-items/<id:item_id>")
@describe(Operation(summary="Read an item", answers={200: ItemAnswer}, problems=(*PROBLEMS, 404)))
def read_item_of(item_id: str) -> Response:
    """Return the current state of an item."""
    return reply(item_answers([find_item(item_id)])[0])


@bp.delete("/dataset-items/<id:item_id>")
@describe(Operation(summary="Delete an item", answers={200: Message}, problems=(*PROBLEMS, 404)))
def delete_item(item_id: str) -> Response:
    """Delete an item; its former states stay readable as of earlier times."""
    with transaction():
        deleted = datasets.delete_item(current_project_id(), item_id)
    if not deleted:
        raise unknown("Dataset item", item_id)
    return reply(Message(message="Dataset item successfully deleted"))


def find_dataset(name: str) -> Dataset:
    """Return the dataset of that name; raises NotFound."""
    dataset = datasets.get_dataset(current_project_id(), name)
    if dataset is None:
        raise unknown("Dataset", name)
    return dataset


def find_item(item_id: str, as_of: datetime | None = None) -> DatasetItem:
    """Return the item of that id, now or as of a time; raises NotFound."""
    item = datasets.get_item(current_project_id(), item_id, as_of)
    if item is None:
        raise unknown("Dataset item", item_id)
    return item


def dataset_answer(row: Dataset) -> DatasetAnswer:
    """Return a dataset in Langfuse's format."""
    return DatasetAnswer(**dataset_fields(row))


def item_answers(rows: Sequence[DatasetItem]) -> list[ItemAnswer]:
    """Return states of items in Langfuse's format, with the media that they refer to."""
    names = datasets.names_of(current_project_id(), {row.dataset_id for row in rows})
    uploaded = media_in(rows)
    return [
        ItemAnswer(
            id=row.item_id,
            status="ARCHIVED" if row.archived else "ACTIVE",
            input=row.input,
            expected_output=row.expected_output,
            metadata=row.metadata,
            source_trace_id=row.source_trace_id,
            source_observation_id=row.source_span_id,
            dataset_id=row.dataset_id,
            dataset_name=names[row.dataset_id],
            created_at=json_time(row.created_at),
            updated_at=json_time(row.valid_from),
            version=json_time(row.valid_from),
            media_references=item_media(row, uploaded),
        )
        for row in rows
    ]


def dataset_fields(row: Dataset) -> dict[str, Any]:
    """Return the fields of `DatasetAnswer` of a dataset."""
    return {
        "id": row.dataset_id,
        "name": row.name,
        "description": row.description,
        "metadata": row.metadata,
        "input_schema": row.input_schema,
        "expected_output_schema": row.expected_output_schema,
        "project_id": current_project_id(),
        "created_at": json_time(row.created_at),
        "updated_at": json_time(row.updated_at),
    }
