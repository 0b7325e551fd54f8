"""The ids of items and the names of runs of several datasets at once, for lists of datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.schema import dataset_items, dataset_runs


def item_ids(project_id: str, dataset_ids: Sequence[str], limit: int) -> dict[str, list[str]]:
    """Return the ids of up to ``limit`` current items of each dataset, newest first."""
    items = dataset_items.c
    own = (items.project_id == project_id, ~items.archived, items.valid_to.is_(None))
    return _by_dataset(dataset_items, items.item_id, own, dataset_ids, limit)


def run_names(project_id: str, dataset_ids: Sequence[str], limit: int) -> dict[str, list[str]]:
    """Return the names of up to ``limit`` runs of each dataset, newest first."""
    own = (dataset_runs.c.project_id == project_id,)
    return _by_dataset(dataset_runs, dataset_runs.c.name, own, dataset_ids, limit)


def _by_dataset(
    table: sa.Table,
    column: sa.ColumnElement[str],
    own: Sequence[sa.ColumnElement[bool]],
    dataset_ids: Sequence[str],
    limit: int,
) -> dict[str, list[str]]:
    order: list[Any] = [table.c.created_at.desc(), column.desc()]
    number = sa.func.row_number().over(partition_by=table.c.dataset_id, order_by=order)
    listed = (
        sa.select(table.c.dataset_id, column.label("listed"), number.label("number"))
        .where(*own, table.c.dataset_id.in_(dataset_ids))
        .subquery()
    )
    query = (
        sa.select(listed.c.dataset_id, listed.c.listed)
        .where(listed.c.number <= limit)
        .order_by(listed.c.dataset_id, listed.c.number)
    )
    by_dataset: dict[str, list[str]] = {dataset_id: [] for dataset_id in dataset_ids}
    for dataset_id, name in db.session.execute(query):
        by_dataset[dataset_id].append(name)
    return by_dataset
