"""Dataset runs: link each item of a dataset to the trace that was produced for it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.extensions import db
from tracer.records import Json
from tracer.store.annotations.delete_scores import delete_scores
from tracer.store.database.conditions import between
from tracer.store.database.numbered import numbered_page
from tracer.store.schema import dataset_run_items, dataset_runs, scores


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetRun:
    """One execution of an application on the items of a dataset."""

    run_id: str
    dataset_id: str | None
    name: str
    description: str | None
    metadata: Json
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RunItem:
    """The trace (or span) that a run produced for an item."""

    run_item_id: str
    run_id: str
    item_id: str
    linked_trace_id: str
    linked_span_id: str | None
    dataset_version: datetime | None
    """The time as of which the application read the dataset; None: it was not sent."""
    created_at: datetime


def save_run(
    project_id: str,
    dataset_id: str,
    name: str,
    description: str | None,
    metadata: Json,
    run_id: str | None = None,
    new: Mapping[str, Any] = MappingProxyType({}),
) -> DatasetRun:
    """Create the run, or change the given fields of the dataset's run of this name.

    ``new`` has further fields, or other values of the given ones, for a run that is created.
    """
    changes = {
        key: value
        for key, value in (("description", description), ("metadata", metadata))
        if value is not None
    }
    query = (
        insert(dataset_runs)
        .values(
            project_id=project_id,
            run_id=run_id or secrets.token_hex(12),
            dataset_id=dataset_id,
            name=name,
            **{**changes, **new},
        )
        .on_conflict_do_update(
            index_elements=["project_id", "dataset_id", "name"],
            set_={"updated_at": sa.func.now(), **changes},
        )
        .returning(*_RUN)
    )
    row = db.session.execute(query).one()
    return DatasetRun(**row._mapping)


def get_or_create_run(
    project_id: str,
    run_id: str,
    dataset_id: str | None,
    name: str,
    description: str | None,
    metadata: Json,
) -> DatasetRun:
    """Return the run of this id, or else of this name in the dataset; created if neither exists."""
    query = insert(dataset_runs).values(
        project_id=project_id,
        run_id=run_id,
        dataset_id=dataset_id,
        name=name,
        description=description,
        metadata=metadata,
    )
    db.session.execute(query.on_conflict_do_nothing())
    same = sa.select(*_RUN).where(dataset_runs.c.project_id == project_id)
    by_id = same.where(dataset_runs.c.run_id == run_id)
    row = db.session.execute(by_id).one_or_none()
    if row is None:
        row = db.session.execute(same.where(*_named(project_id, dataset_id, name))).one()
    return DatasetRun(**row._mapping)


def add_run_item(
    project_id: str,
    run_id: str,
    item_id: str,
    trace_id: str,
    span_id: str | None,
    created_at: datetime | None = None,
    dataset_version: datetime | None = None,
) -> RunItem:
    """Record the trace of an item; a repeated request returns the existing record."""
    # The id is a hash of the contents, so that a repeated request adds no row.
    contents = "\n".join((item_id, trace_id, span_id or ""))
    values: dict[str, object] = {
        "project_id": project_id,
        "run_id": run_id,
        "run_item_id": hashlib.sha256(contents.encode()).hexdigest()[:32],
        "item_id": item_id,
        "linked_trace_id": trace_id,
        "linked_span_id": span_id,
        "dataset_version": dataset_version,
    }
    if created_at is not None:
        values["created_at"] = created_at
    query = (
        insert(dataset_run_items)
        .values(values)
        .on_conflict_do_update(
            index_elements=["project_id", "run_id", "run_item_id"], set_={"item_id": item_id}
        )
        .returning(*_RUN_ITEM)
    )
    row = db.session.execute(query).one()
    return RunItem(**row._mapping)


def get_run(project_id: str, dataset_id: str, name: str) -> DatasetRun | None:
    """Return the run of that name in the dataset; None: there is none."""
    query = sa.select(*_RUN).where(*_named(project_id, dataset_id, name))
    row = db.session.execute(query).one_or_none()
    return None if row is None else DatasetRun(**row._mapping)


def list_runs(
    project_id: str, dataset_id: str, limit: int, offset: int = 0
) -> tuple[list[DatasetRun], int]:
    """Return (a page of a dataset's runs, the newest first; the number of all of them)."""
    own = (dataset_runs.c.project_id == project_id, dataset_runs.c.dataset_id == dataset_id)
    query = sa.select(*_RUN).where(*own)
    query = query.order_by(dataset_runs.c.created_at.desc(), dataset_runs.c.run_id)
    rows, total = numbered_page(query, limit, offset)
    return [DatasetRun(**row) for row in rows], total


def list_run_items(
    project_id: str,
    run_id: str,
    limit: int | None = None,
    offset: int = 0,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[list[RunItem], int]:
    """Return (a page of a run's items, the oldest first; the number of all of them).

    Only items recorded at or after ``since`` and before ``until``.
    """
    items = dataset_run_items.c
    conditions = [items.project_id == project_id, items.run_id == run_id]
    conditions += between(items.created_at, since, until)
    query = sa.select(*_RUN_ITEM).where(*conditions)
    query = query.order_by(items.created_at, items.run_item_id)
    rows, total = numbered_page(query, limit, offset)
    return [RunItem(**row) for row in rows], total


def delete_run(project_id: str, dataset_id: str, name: str) -> bool:
    """Delete a run with its items and scores, not its traces; return whether it existed."""
    query = (
        sa.delete(dataset_runs)
        .where(*_named(project_id, dataset_id, name))
        .returning(dataset_runs.c.run_id)
    )
    run_id = db.session.execute(query).scalar_one_or_none()
    db.session.execute(
        sa.delete(dataset_run_items).where(
            dataset_run_items.c.project_id == project_id, dataset_run_items.c.run_id == run_id
        )
    )
    delete_scores(scores.c.project_id == project_id, scores.c.run_id == run_id)
    return run_id is not None


_RUN = [dataset_runs.c[name] for name in DatasetRun.__dataclass_fields__]
_RUN_ITEM = [dataset_run_items.c[name] for name in RunItem.__dataclass_fields__]


def _named(
    project_id: str, dataset_id: str | None, name: str
) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        dataset_runs.c.project_id == project_id,
        dataset_runs.c.dataset_id == dataset_id,
        dataset_runs.c.name == name,
    )
