"""Datasets in Langfuse's format with their items and runs, as early versions of the SDKs read."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.library.datasets import (
    DatasetAnswer,
    ItemAnswer,
    dataset_fields,
    find_dataset,
    item_answers,
    save_dataset,
)
from tracer.api.langfuse.params import PageMeta, PageQuery, page_meta, read_params
from tracer.store.library import dataset_contents, dataset_runs, datasets
from tracer.store.library.datasets import Dataset
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, WRITE_PROBLEMS, reply, set_up
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.library.bodies import DatasetBody

MAX_LISTED: Final = 10_000
"""Greatest number of items and of runs that are returned with a dataset."""

bp = Blueprint("langfuse_datasets_v1", __name__, url_prefix=PREFIX)
set_up(bp)


class WholeDataset(DatasetAnswer, kw_only=True):
    """A dataset with its items and the names of its runs."""

    items: list[ItemAnswer]
    runs: list[str]


class ListedDataset(DatasetAnswer, kw_only=True):
    """A dataset with the ids of its items and the names of its runs."""

    items: list[str]
    runs: list[str]


class ListedDatasets(Answer, kw_only=True):
    """A page of datasets."""

    data: list[ListedDataset]
    meta: PageMeta


@bp.post("/datasets")
@describe(
    Operation(
        summary="Create or change a dataset, and return its items",
        body=DatasetBody,
        answers={200: WholeDataset},
        problems=WRITE_PROBLEMS,
    )
)
def create_dataset_v1() -> Response:
    """Create a dataset, or change the sent fields of the one of this name."""
    return reply(_whole(save_dataset()))


@bp.get("/datasets")
@describe(
    Operation(
        summary="List datasets with the ids of their items",
        query=PageQuery,
        answers={200: ListedDatasets},
        problems=PROBLEMS,
    )
)
def list_datasets_v1() -> Response:
    """Return a page of datasets, the newest first."""
    query = read_params(PageQuery)
    rows, total = datasets.list_datasets(current_project_id(), query.limit, query.offset)
    ids = [row.dataset_id for row in rows]
    items = dataset_contents.item_ids(current_project_id(), ids, MAX_LISTED)
    runs = dataset_contents.run_names(current_project_id(), ids, MAX_LISTED)
    data = [
        ListedDataset(**dataset_fields(row), items=items[row.dataset_id], runs=runs[row.dataset_id])
        for row in rows
    ]
    return reply(ListedDatasets(data=data, meta=page_meta(query, total)))


@bp.get("/datasets/<id:name>")
@describe(
    Operation(
        summary="Read a dataset with its items",
        answers={200: WholeDataset},
        problems=(*PROBLEMS, 404),
    )
)
def read_dataset_with_items(name: str) -> Response:
    """Return a dataset with its items and runs."""
    return reply(_whole(find_dataset(name)))


def _whole(dataset: Dataset) -> WholeDataset:
    rows, _ = datasets.list_items(current_project_id(), dataset.dataset_id, limit=MAX_LISTED)
    runs, _ = dataset_runs.list_runs(current_project_id(), dataset.dataset_id, MAX_LISTED)
    return WholeDataset(
        **dataset_fields(dataset),
        items=item_answers(rows),
        runs=[run.name for run in runs],
    )
