"""Annotation queues: the items that people review, and who is assigned to a queue."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.errors import Conflict
from tracer.extensions import db
from tracer.store.database.numbered import numbered_page
from tracer.store.schema import queue_items, queue_members, queues


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """An annotation queue: the score configs by which its items are reviewed."""

    queue_id: str
    name: str
    description: str | None
    config_ids: list[str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueItem:
    """An item to review; `subject` is trace, span or session."""

    item_id: str
    queue_id: str
    subject: str
    subject_id: str
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


def create_queue(
    project_id: str, name: str, description: str | None, config_ids: Sequence[str]
) -> Queue:
    """Create a queue. Raises Conflict: the project has a queue of this name."""
    values = {
        "project_id": project_id,
        "queue_id": secrets.token_hex(12),
        "name": name,
        "description": description,
        "config_ids": list(config_ids),
    }
    made = insert(queues).values(values)
    made = made.on_conflict_do_nothing(index_elements=["project_id", "name"])
    row = db.session.execute(made.returning(*_QUEUE)).one_or_none()
    if row is None:
        reason = f"expected another name: there is a queue {name!r} already"
        raise Conflict.of_field("name", reason)
    return Queue(**row._mapping)


def get_queue(project_id: str, queue_id: str) -> Queue | None:
    """Return the queue; None: there is none of this id."""
    query = sa.select(*_QUEUE).where(
        queues.c.project_id == project_id, queues.c.queue_id == queue_id
    )
    row = db.session.execute(query).one_or_none()
    return None if row is None else Queue(**row._mapping)


def list_queues(project_id: str, limit: int, offset: int = 0) -> tuple[list[Queue], int]:
    """Return (a page of queues, the newest first; the number of all of them)."""
    mine = queues.c.project_id == project_id
    query = sa.select(*_QUEUE).where(mine)
    query = query.order_by(queues.c.created_at.desc(), queues.c.queue_id)
    rows, total = numbered_page(query, limit, offset)
    return [Queue(**row) for row in rows], total


def add_item(
    project_id: str, queue_id: str, subject: str, subject_id: str, *, completed: bool = False
) -> QueueItem:
    """Add an item to a queue, and return it."""
    values = {
        "project_id": project_id,
        "queue_id": queue_id,
        "item_id": secrets.token_hex(12),
        "subject": subject,
        "subject_id": subject_id,
        "completed_at": sa.func.now() if completed else None,
    }
    row = db.session.execute(sa.insert(queue_items).values(values).returning(*_ITEM)).one()
    return QueueItem(**row._mapping)


def get_item(project_id: str, queue_id: str, item_id: str) -> QueueItem | None:
    """Return an item of a queue; None: there is none of this id."""
    query = sa.select(*_ITEM).where(*_is(project_id, queue_id, item_id))
    row = db.session.execute(query).one_or_none()
    return None if row is None else QueueItem(**row._mapping)


def list_items(
    project_id: str, queue_id: str, *, completed: bool | None, limit: int, offset: int = 0
) -> tuple[list[QueueItem], int]:
    """Return (a page of a queue's items, the oldest first; their number); `completed` None: all."""
    mine = [queue_items.c.project_id == project_id, queue_items.c.queue_id == queue_id]
    if completed is not None:
        done = queue_items.c.completed_at.is_not(None)
        mine.append(done if completed else ~done)
    query = sa.select(*_ITEM).where(*mine)
    query = query.order_by(queue_items.c.created_at, queue_items.c.item_id)
    rows, total = numbered_page(query, limit, offset)
    return [QueueItem(**row) for row in rows], total


def complete_item(
    project_id: str, queue_id: str, item_id: str, *, completed: bool
) -> QueueItem | None:
    """Set whether an item is reviewed; return it; None: there is no such item."""
    # A repeated request keeps the first time.
    when = sa.func.coalesce(queue_items.c.completed_at, sa.func.now()) if completed else None
    query = (
        sa.update(queue_items)
        .where(*_is(project_id, queue_id, item_id))
        .values(completed_at=when, updated_at=sa.func.now())
        .returning(*_ITEM)
    )
    row = db.session.execute(query).one_or_none()
    return None if row is None else QueueItem(**row._mapping)


def remove_item(project_id: str, queue_id: str, item_id: str) -> bool:
    """Remove an item from a queue; return whether it was there."""
    query = (
        sa.delete(queue_items)
        .where(*_is(project_id, queue_id, item_id))
        .returning(queue_items.c.item_id)
    )
    gone = db.session.execute(query).one_or_none()
    return gone is not None


def assign(project_id: str, queue_id: str, user_id: str) -> None:
    """Assign a user to a queue."""
    values = {"project_id": project_id, "queue_id": queue_id, "user_id": user_id}
    db.session.execute(insert(queue_members).values(values).on_conflict_do_nothing())


def unassign(project_id: str, queue_id: str, user_id: str) -> None:
    """Remove a user's assignment to a queue."""
    db.session.execute(
        sa.delete(queue_members).where(
            queue_members.c.project_id == project_id,
            queue_members.c.queue_id == queue_id,
            queue_members.c.user_id == user_id,
        )
    )


_QUEUE = [queues.c[name] for name in Queue.__dataclass_fields__]
_ITEM = [queue_items.c[name] for name in QueueItem.__dataclass_fields__]


def _is(project_id: str, queue_id: str, item_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        queue_items.c.project_id == project_id,
        queue_items.c.queue_id == queue_id,
        queue_items.c.item_id == item_id,
    )
