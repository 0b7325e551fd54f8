"""Datasets and their items; all states of an item are kept, so any past state can be read."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.errors import Conflict
from tracer.extensions import db
from tracer.records import Json
from tracer.store.database.numbered import numbered_page
from tracer.store.schema import dataset_items, datasets


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A named collection of items on which an application is evaluated."""

    dataset_id: str
    name: str
    description: str | None
    metadata: Json
    input_schema: Json
    expected_output_schema: Json
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetItem:
    """One state of an item."""

    item_id: str
    dataset_id: str
    archived: bool
    input: Json
    expected_output: Json
    metadata: Json
    source_trace_id: str | None
    source_span_id: str | None
    created_at: datetime
    valid_from: datetime
    """The time at which the item got this state."""


ITEM_FIELDS = (
    "archived",
    "input",
    "expected_output",
    "metadata",
    "source_trace_id",
    "source_span_id",
)


def save_dataset(project_id: str, name: str, fields: Mapping[str, Json]) -> Dataset:
    """Create the dataset, or change the given fields of the one of this name."""
    made = (
        insert(datasets)
        .values(project_id=project_id, dataset_id=secrets.token_hex(12), name=name, **fields)
        .on_conflict_do_update(
            index_elements=["project_id", "name"], set_={"updated_at": sa.func.now(), **fields}
        )
        .returning(*_DATASET)
    )
    row = db.session.execute(made).one()
    return Dataset(**row._mapping)


def get_dataset(project_id: str, name: str) -> Dataset | None:
    """Return the dataset of that name; None: there is none."""
    query = sa.select(*_DATASET).where(datasets.c.project_id == project_id, datasets.c.name == name)
    row = db.session.execute(query).one_or_none()
    return None if row is None else Dataset(**row._mapping)


def list_datasets(project_id: str, limit: int, offset: int = 0) -> tuple[list[Dataset], int]:
    """Return (a page of datasets, the newest first; the number of all of them)."""
    own = datasets.c.project_id == project_id
    query = sa.select(*_DATASET).where(own)
    query = query.order_by(datasets.c.created_at.desc(), datasets.c.dataset_id)
    rows, total = numbered_page(query, limit, offset)
    return [Dataset(**row) for row in rows], total


def names_of(project_id: str, dataset_ids: Collection[str]) -> dict[str, str]:
    """Return the names of datasets by their ids."""
    query = sa.select(datasets.c.dataset_id, datasets.c.name).where(
        datasets.c.project_id == project_id, datasets.c.dataset_id.in_(dataset_ids)
    )
    return dict(db.session.execute(query).all())


def count_items(
    project_id: str, dataset_ids: list[str], *, archived: bool = False
) -> dict[str, int]:
    """Return the number of current items of each dataset; datasets without any are left out."""
    query = (
        sa.select(dataset_items.c.dataset_id, sa.func.count())
        .where(
            dataset_items.c.project_id == project_id,
            dataset_items.c.dataset_id.in_(dataset_ids),
            dataset_items.c.valid_to.is_(None),
            dataset_items.c.archived == archived,
        )
        .group_by(dataset_items.c.dataset_id)
    )
    return dict(db.session.execute(query).all())


def count_sourced(project_id: str, dataset_id: str) -> int:
    """Return the number of current items, not archived, that were made from a trace."""
    query = sa.select(sa.func.count()).where(
        dataset_items.c.project_id == project_id,
        dataset_items.c.dataset_id == dataset_id,
        dataset_items.c.valid_to.is_(None),
        ~dataset_items.c.archived,
        dataset_items.c.source_trace_id.is_not(None),
    )
    return int(db.session.execute(query).scalar_one())


def save_item(
    project_id: str, dataset_id: str, item_id: str | None, fields: Mapping[str, Any]
) -> DatasetItem:
    """Add an item to a dataset, or a new state to an existing item.

    `fields` has some of ITEM_FIELDS; the others keep their values. Raises Conflict: the item
    belongs to another dataset.
    """
    item_id = item_id or secrets.token_hex(12)
    # The lock, and the database's clock for the time of the state, keep states from overlapping.
    _lock(project_id, item_id)
    current = _current(project_id, item_id)
    if current is not None and current.dataset_id != dataset_id:
        raise Conflict.of_field("id", f"item {item_id!r} belongs to another dataset")
    previous = {} if current is None else {field: getattr(current, field) for field in ITEM_FIELDS}
    if current is not None and previous == {**previous, **fields}:
        # Imports repeat items without changes: they get no new state.
        return current
    now = db.session.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    _close(project_id, item_id, now)
    values = {
        **previous,
        **fields,
        "project_id": project_id,
        "dataset_id": dataset_id,
        "item_id": item_id,
        "valid_from": now,
        "created_at": now if current is None else current.created_at,
    }
    row = db.session.execute(sa.insert(dataset_items).values(values).returning(*_ITEM)).one()
    return DatasetItem(**row._mapping)


def get_item(project_id: str, item_id: str, as_of: datetime | None = None) -> DatasetItem | None:
    """Return the state of an item at a time (`as_of` None: now); None: it had none then."""
    if as_of is None:
        return _current(project_id, item_id)
    query = sa.select(*_ITEM).where(
        dataset_items.c.project_id == project_id,
        dataset_items.c.item_id == item_id,
        *_valid(as_of),
    )
    row = db.session.execute(query).one_or_none()
    return None if row is None else DatasetItem(**row._mapping)


def _valid(as_of: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of states that were valid at a time.

    JavaScript truncates times to milliseconds, so a time in whole milliseconds includes all
    states that began within that millisecond.
    """
    if as_of.microsecond % 1_000 == 0:
        as_of += timedelta(microseconds=999)
    until = dataset_items.c.valid_to
    return dataset_items.c.valid_from <= as_of, sa.or_(until.is_(None), until > as_of)


def list_items(
    project_id: str,
    dataset_id: str | None = None,
    *,
    source_trace_id: str | None = None,
    source_span_id: str | None = None,
    as_of: datetime | None = None,
    archived: bool | None = False,
    text: str = "",
    item_ids: Collection[str] | None = None,
    limit: int | None,
    offset: int = 0,
) -> tuple[list[DatasetItem], int]:
    """Return (a page of items, the newest first; their number); `as_of` None: current states.

    `archived`: only items whose state is archived, or is not; None: both. `text`: only items that
    have it in a value, in upper or lower case; `item_ids`: only these.
    """
    items = dataset_items.c
    conditions = [items.project_id == project_id]
    if dataset_id is not None:
        conditions.append(items.dataset_id == dataset_id)
    if source_trace_id is not None:
        conditions.append(items.source_trace_id == source_trace_id)
    if source_span_id is not None:
        conditions.append(items.source_span_id == source_span_id)
    if archived is not None:
        conditions.append(items.archived == archived)
    if item_ids is not None:
        conditions.append(items.item_id.in_(item_ids))
    if text:
        conditions.append(_has_text(text))
    if as_of is None:
        conditions.append(items.valid_to.is_(None))
    else:
        conditions += _valid(as_of)
    query = sa.select(*_ITEM).where(*conditions)
    query = query.order_by(items.created_at.desc(), items.item_id.desc())
    rows, total = numbered_page(query, limit, offset)
    return [DatasetItem(**row) for row in rows], total


def _has_text(text: str) -> sa.ColumnElement[bool]:
    values = [dataset_items.c[name] for name in ("input", "expected_output", "metadata")]
    # As it stands in JSON, where quotes and line ends are escaped.
    written = msgspec.json.encode(text).decode()[1:-1]
    return sa.or_(
        *(sa.cast(value, sa.Text).icontains(written, autoescape=True) for value in values)
    )


def list_states(project_id: str, item_id: str) -> list[DatasetItem]:
    """Return all states of an item, the newest first."""
    query = (
        sa.select(*_ITEM)
        .where(dataset_items.c.project_id == project_id, dataset_items.c.item_id == item_id)
        .order_by(dataset_items.c.valid_from.desc())
    )
    return [DatasetItem(**row._mapping) for row in db.session.execute(query)]


def undelete_item(project_id: str, item_id: str) -> bool:
    """Give a deleted item its last state again; return whether it was deleted."""
    _lock(project_id, item_id)
    states = list_states(project_id, item_id)
    if not states or _current(project_id, item_id) is not None:
        return False
    now = db.session.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    values = {name: getattr(states[0], name) for name in DatasetItem.__dataclass_fields__}
    values |= {"project_id": project_id, "valid_from": now}
    db.session.execute(sa.insert(dataset_items).values(values))
    return True


def delete_item(project_id: str, item_id: str) -> bool:
    """End the current state of an item, which keeps its history; return whether it had one."""
    _lock(project_id, item_id)
    return _close(project_id, item_id, sa.func.clock_timestamp())


_DATASET = [datasets.c[name] for name in Dataset.__dataclass_fields__]
_ITEM = [dataset_items.c[name] for name in DatasetItem.__dataclass_fields__]


def _lock(project_id: str, item_id: str) -> None:
    key = sa.func.hashtextextended(f"{project_id}\n{item_id}", 0)
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def _current(project_id: str, item_id: str) -> DatasetItem | None:
    query = sa.select(*_ITEM).where(
        dataset_items.c.project_id == project_id,
        dataset_items.c.item_id == item_id,
        dataset_items.c.valid_to.is_(None),
    )
    row = db.session.execute(query).one_or_none()
    return None if row is None else DatasetItem(**row._mapping)


def _close(project_id: str, item_id: str, now: Any) -> bool:
    query = (
        sa.update(dataset_items)
        .where(
            dataset_items.c.project_id == project_id,
            dataset_items.c.item_id == item_id,
            dataset_items.c.valid_to.is_(None),
        )
        .values(valid_to=now)
        .returning(dataset_items.c.item_id)
    )
    return db.session.execute(query).one_or_none() is not None
