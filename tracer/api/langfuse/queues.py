"""Annotation queues over Langfuse's API."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response

from tracer.api.langfuse.paging import iso, offset_of, page
from tracer.ingestion.writing import json_body
from tracer.records import Refusal, WireError
from tracer.store import queues
from tracer.store.queues import NameTaken, Queue, QueueItem
from tracer.web.auth import project_id
from tracer.web.langfuse import PREFIX, reply, set_up
from tracer.web.operations import read_query
from tracer.web.problems import NotFound
from tracer.wire.langfuse.library import (
    AssignmentBody,
    PageQuery,
    QueueBody,
    QueueItemBody,
    QueueItemQuery,
    QueueItemUpdate,
)
from tracer.wire.reading import read_item, read_json

_SUBJECTS: Final = {"TRACE": "trace", "OBSERVATION": "span", "SESSION": "session"}
_OBJECTS: Final = {ours: theirs for theirs, ours in _SUBJECTS.items()}
_COMPLETED: Final = "COMPLETED"

bp = Blueprint("langfuse_queues", __name__, url_prefix=f"{PREFIX}/annotation-queues")
set_up(bp)


@bp.get("")
def list_queues() -> Response:
    """Return a page of queues, the newest first."""
    query = read_query(PageQuery)
    rows, total = queues.list_queues(project_id(), query.limit, offset_of(query))
    return reply(page(query, [_queue(row) for row in rows], total))


@bp.post("")
def create_queue() -> Response:
    """Make a queue."""
    sent = read_item(read_json(json_body()), QueueBody)
    try:
        made = queues.create_queue(project_id(), sent.name, sent.description, sent.score_config_ids)
    except NameTaken:
        reason = f"expected another name: there is a queue {sent.name!r} already"
        raise WireError(reason, refusals=[Refusal(item="", field="name", reason=reason)]) from None
    return reply(_queue(made))


@bp.get("/<id:queue_id>")
def read_queue(queue_id: str) -> Response:
    """Return a queue."""
    return reply(_queue(_find(queue_id)))


@bp.get("/<id:queue_id>/items")
def list_items(queue_id: str) -> Response:
    """Return a page of a queue's items, the oldest first."""
    query = read_query(QueueItemQuery)
    _find(queue_id)
    completed = None if query.status is None else query.status == _COMPLETED
    rows, total = queues.list_items(
        project_id(), queue_id, completed=completed, limit=query.limit, offset=offset_of(query)
    )
    return reply(page(query, [_item(row) for row in rows], total))


@bp.post("/<id:queue_id>/items")
def create_item(queue_id: str) -> Response:
    """Put a trace, observation or session into a queue."""
    sent = read_item(read_json(json_body()), QueueItemBody)
    _find(queue_id)
    made = queues.add_item(
        project_id(),
        queue_id,
        _SUBJECTS[sent.object_type],
        sent.object_id,
        completed=sent.status == _COMPLETED,
    )
    return reply(_item(made))


@bp.get("/<id:queue_id>/items/<id:item_id>")
def read_queue_item(queue_id: str, item_id: str) -> Response:
    """Return an item of a queue."""
    return reply(_item(_found(queues.get_item(project_id(), queue_id, item_id), item_id)))


@bp.patch("/<id:queue_id>/items/<id:item_id>")
def update_item(queue_id: str, item_id: str) -> Response:
    """Mark an item as judged, or as not yet."""
    sent = read_item(read_json(json_body()), QueueItemUpdate)
    if sent.status is None:
        return read_queue_item(queue_id, item_id)
    changed = queues.complete_item(
        project_id(), queue_id, item_id, completed=sent.status == _COMPLETED
    )
    return reply(_item(_found(changed, item_id)))


@bp.delete("/<id:queue_id>/items/<id:item_id>")
def delete_item(queue_id: str, item_id: str) -> Response:
    """Take an item out of a queue."""
    if not queues.remove_item(project_id(), queue_id, item_id):
        raise NotFound(f"Annotation queue item not found: {item_id!r}")
    return reply({"success": True, "message": "Annotation queue item deleted successfully"})


@bp.post("/<id:queue_id>/assignments")
def assign(queue_id: str) -> Response:
    """Ask somebody to work on a queue."""
    sent = read_item(read_json(json_body()), AssignmentBody)
    _find(queue_id)
    queues.assign(project_id(), queue_id, sent.user_id)
    return reply({"userId": sent.user_id, "queueId": queue_id, "projectId": project_id()})


@bp.delete("/<id:queue_id>/assignments")
def unassign(queue_id: str) -> Response:
    """Ask somebody no longer."""
    sent = read_item(read_json(json_body()), AssignmentBody)
    _find(queue_id)
    queues.unassign(project_id(), queue_id, sent.user_id)
    return reply({"success": True})


def _find(queue_id: str) -> Queue:
    found = queues.get_queue(project_id(), queue_id)
    if found is None:
        raise NotFound(f"Annotation queue not found: {queue_id!r}")
    return found


def _found(item: QueueItem | None, item_id: str) -> QueueItem:
    if item is None:
        raise NotFound(f"Annotation queue item not found: {item_id!r}")
    return item


def _queue(row: Queue) -> dict[str, Any]:
    return {
        "id": row.queue_id,
        "name": row.name,
        "description": row.description,
        "scoreConfigIds": row.config_ids,
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
    }


def _item(row: QueueItem) -> dict[str, Any]:
    return {
        "id": row.item_id,
        "queueId": row.queue_id,
        "objectId": row.subject_id,
        "objectType": _OBJECTS[row.subject],
        "status": _COMPLETED if row.completed_at else "PENDING",
        "completedAt": iso(row.completed_at) if row.completed_at else None,
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
    }
