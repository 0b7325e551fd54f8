"""Which items and runs datasets have: their ids and names alone, for lists of datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.schema import dataset_items, dataset_runs


def item_ids(project_id: str, dataset_ids: Sequence[str], most: int) -> dict[str, list[str]]:
    """Return the ids of up to ``most`` items of each dataset that are in use, newest first."""
    items = dataset_items.c
    mine = (items.project_id == project_id, ~items.archived, items.valid_to.is_(None))
    return _by_dataset(dataset_items, items.item_id, mine, dataset_ids, most)


def run_names(project_id: str, dataset_ids: Sequence[str], most: int) -> dict[str, list[str]]:
    """Return the names of up to ``most`` runs of each dataset, newest first."""
    mine = (dataset_runs.c.project_id == project_id,)
    return _by_dataset(dataset_runs, dataset_runs.c.name, mine, dataset_ids, most)


def _by_dataset(
    table: sa.Table,
    column: sa.ColumnElement[str],
    mine: Sequence[sa.ColumnElement[bool]],
    dataset_ids: Sequence[str],
    most: int,
) -> dict[str, list[str]]:
    order: list[Any] = [table.c.created_at.desc(), column.desc()]
    number = sa.func.row_number().over(partition_by=table.c.dataset_id, order_by=order)
    listed = (
        sa.select(table.c.dataset_id, column.label("listed"), number.label("number"))
        .where(*mine, table.c.dataset_id.in_(dataset_ids))
        .subquery()
    )
    query = (
        sa.select(listed.c.dataset_id, listed.c.listed)
        .where(listed.c.number <= most)
        .order_by(listed.c.dataset_id, listed.c.number)
    )
    by_dataset: dict[str, list[str]] = {dataset_id: [] for dataset_id in dataset_ids}
    for dataset_id, name in db.session.execute(query):
        by_dataset[dataset_id].append(name)
    return by_dataset
