"""Annotation queues in Langfuse's format: writes and reads."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.params import PageMeta, PageQuery, page_meta, read_params
from tracer.errors import Conflict, Invalid
from tracer.store.database.session import transaction
from tracer.store.scores import configs, queues
from tracer.store.scores.queues import Queue, QueueItem
from tracer.times import json_time
from tracer.web.answers.traces import Time
from tracer.web.bodies import json_body
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import (
    PREFIX,
    PROBLEMS,
    WRITE_PROBLEMS,
    reply,
    set_up,
    unknown,
)
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.library.bodies import (
    AssignmentBody,
    QueueBody,
    QueueItemBody,
    QueueItemUpdate,
    QueueStatus,
)
from tracer.wire.reading import read_item, read_storable_json

_SUBJECTS: Final = {"TRACE": "trace", "OBSERVATION": "span", "SESSION": "session"}
_OBJECTS: Final = {subject: object_type for object_type, subject in _SUBJECTS.items()}
_COMPLETED: Final = "COMPLETED"

bp = Blueprint("langfuse_queues", __name__, url_prefix=f"{PREFIX}/annotation-queues")
set_up(bp)


class QueueItemQuery(PageQuery, kw_only=True):
    """Which items of a queue to list."""

    status: QueueStatus | None = None


class QueueAnswer(Answer, kw_only=True):
    """An annotation queue."""

    id: str
    name: str
    description: str | None
    score_config_ids: list[str]
    created_at: Time
    updated_at: Time


class QueueList(Answer, kw_only=True):
    """A page of queues."""

    data: list[QueueAnswer]
    meta: PageMeta


class QueueItemAnswer(Answer, kw_only=True):
    """An item to review."""

    id: str
    queue_id: str
    object_id: str
    object_type: str
    status: str
    completed_at: Time | None
    created_at: Time
    updated_at: Time


class QueueItemList(Answer, kw_only=True):
    """A page of a queue's items."""

    data: list[QueueItemAnswer]
    meta: PageMeta


class Assignment(Answer, kw_only=True):
    """The assignment of a user to a queue."""

    user_id: str
    queue_id: str
    project_id: str


class Success(Answer, kw_only=True):
    """The confirmation of a change."""

    success: bool
    message: str = "OK"


@bp.get("")
@describe(
    Operation(
        summary="List annotation queues",
        query=PageQuery,
        answers={200: QueueList},
        problems=PROBLEMS,
    )
)
def list_queues() -> Response:
    """Return a page of queues, the newest first."""
    query = read_params(PageQuery)
    rows, total = queues.list_queues(current_project_id(), query.limit, query.offset)
    data = [_queue(row) for row in rows]
    return reply(QueueList(data=data, meta=page_meta(query, total)))


@bp.post("")
@describe(
    Operation(
        summary="Create an annotation queue",
        body=QueueBody,
        answers={200: QueueAnswer},
        problems=WRITE_PROBLEMS,
    )
)
def create_queue() -> Response:
    """Create a queue."""
    sent = read_item(read_storable_json(json_body()), QueueBody)
    existing = configs.get_configs(current_project_id(), sent.score_config_ids)
    if unknown_ids := [name for name in sent.score_config_ids if name not in existing]:
        reason = f"expected ids of score configs, got {unknown_ids[0]!r:.80}"
        raise Invalid.of_field("scoreConfigIds", reason)
    try:
        with transaction():
            made = queues.create_queue(
                current_project_id(), sent.name, sent.description, sent.score_config_ids
            )
    except Conflict as error:
        # Langfuse's status for a name that is taken.
        raise Invalid(str(error), error.item_errors) from None
    return reply(_queue(made))


@bp.get("/<id:queue_id>")
@describe(
    Operation(
        summary="Read an annotation queue", answers={200: QueueAnswer}, problems=(*PROBLEMS, 404)
    )
)
def read_queue(queue_id: str) -> Response:
    """Return a queue."""
    return reply(_queue(_find(queue_id)))


@bp.get("/<id:queue_id>/items")
@describe(
    Operation(
        summary="List a queue's items",
        query=QueueItemQuery,
        answers={200: QueueItemList},
        problems=(*PROBLEMS, 404),
    )
)
def list_queue_items(queue_id: str) -> Response:
    """Return a page of a queue's items, the oldest first."""
    query = read_params(QueueItemQuery)
    _find(queue_id)
    completed = None if query.status is None else query.status == _COMPLETED
    rows, total = queues.list_items(
        current_project_id(), queue_id, completed=completed, limit=query.limit, offset=query.offset
    )
    data = [_item(row) for row in rows]
    return reply(QueueItemList(data=data, meta=page_meta(query, total)))


@bp.post("/<id:queue_id>/items")
@describe(
    Operation(
        summary="Add an item to a queue",
        body=QueueItemBody,
        answers={200: QueueItemAnswer},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def create_queue_item(queue_id: str) -> Response:
    """Add a trace, observation or session to a queue."""
    sent = read_item(read_storable_json(json_body()), QueueItemBody)
    _find(queue_id)
    with transaction():
        made = queues.add_item(
            current_project_id(),
            queue_id,
            _SUBJECTS[sent.object_type],
            sent.object_id,
            completed=sent.status == _COMPLETED,
        )
    return reply(_item(made))


@bp.get("/<id:queue_id>/items/<id:item_id>")
@describe(
    Operation(
        summary="Read an item of a queue", answers={200: QueueItemAnswer}, problems=(*PROBLEMS, 404)
    )
)
def read_queue_item(queue_id: str, item_id: str) -> Response:
    """Return an item of a queue."""
    return reply(
        _item(_existing(queues.get_item(current_project_id(), queue_id, item_id), item_id))
    )


@bp.patch("/<id:queue_id>/items/<id:item_id>")
@describe(
    Operation(
        summary="Set whether an item is reviewed",
        body=QueueItemUpdate,
        answers={200: QueueItemAnswer},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def update_queue_item(queue_id: str, item_id: str) -> Response:
    """Set whether an item is reviewed."""
    sent = read_item(read_storable_json(json_body()), QueueItemUpdate)
    if sent.status is None:
        return read_queue_item(queue_id, item_id)
    with transaction():
        changed = queues.complete_item(
            current_project_id(), queue_id, item_id, completed=sent.status == _COMPLETED
        )
    return reply(_item(_existing(changed, item_id)))


@bp.delete("/<id:queue_id>/items/<id:item_id>")
@describe(
    Operation(
        summary="Remove an item from a queue", answers={200: Success}, problems=(*PROBLEMS, 404)
    )
)
def delete_queue_item(queue_id: str, item_id: str) -> Response:
    """Remove an item from a queue."""
    with transaction():
        removed = queues.remove_item(current_project_id(), queue_id, item_id)
    if not removed:
        raise unknown("Annotation queue item", item_id)
    return reply(Success(success=True, message="Annotation queue item deleted successfully"))


@bp.post("/<id:queue_id>/assignments")
@describe(
    Operation(
        summary="Assign a user to a queue",
        body=AssignmentBody,
        answers={200: Assignment},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def assign(queue_id: str) -> Response:
    """Assign a user to a queue."""
    sent = read_item(read_storable_json(json_body()), AssignmentBody)
    _find(queue_id)
    with transaction():
        queues.assign(current_project_id(), queue_id, sent.user_id)
    return reply(
        Assignment(user_id=sent.user_id, queue_id=queue_id, project_id=current_project_id())
    )


@bp.delete("/<id:queue_id>/assignments")
@describe(
    Operation(
        summary="Remove a user's assignment to a queue",
        body=AssignmentBody,
        answers={200: Success},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def unassign(queue_id: str) -> Response:
    """Remove a user's assignment to a queue."""
    sent = read_item(read_storable_json(json_body()), AssignmentBody)
    _find(queue_id)
    with transaction():
        queues.unassign(current_project_id(), queue_id, sent.user_id)
    return reply(Success(success=True))


def _find(queue_id: str) -> Queue:
    queue = queues.get_queue(current_project_id(), queue_id)
    if queue is None:
        raise unknown("Annotation queue", queue_id)
    return queue


def _existing(item: QueueItem | None, item_id: str) -> QueueItem:
    if item is None:
        raise unknown("Annotation queue item", item_id)
    return item


def _queue(row: Queue) -> QueueAnswer:
    return QueueAnswer(
        id=row.queue_id,
        name=row.name,
        description=row.description,
        score_config_ids=row.config_ids,
        created_at=json_time(row.created_at),
        updated_at=json_time(row.updated_at),
    )


def _item(row: QueueItem) -> QueueItemAnswer:
    return QueueItemAnswer(
        id=row.item_id,
        queue_id=row.queue_id,
        object_id=row.subject_id,
        object_type=_OBJECTS[row.subject],
        status=_COMPLETED if row.completed_at else "PENDING",
        completed_at=json_time(row.completed_at) if row.completed_at else None,
        created_at=json_time(row.created_at),
        updated_at=json_time(row.updated_at),
    )
