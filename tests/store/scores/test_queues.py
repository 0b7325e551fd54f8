"""Annotation queues: names are unique in a project, items keep the time of their review."""

from __future__ import annotations

import pytest

from tracer.errors import Conflict
from tracer.store.database.session import transaction
from tracer.store.projects.projects import create_project
from tracer.store.scores import queues

pytestmark = pytest.mark.usefixtures("project")


def test_a_name_is_taken_in_its_own_project_only() -> None:
    with transaction():
        create_project("other", "Other")
        queue = queues.create_queue("default", "weekly", "Look", ["c1"])
        queues.create_queue("other", "weekly", None, [])
    assert queues.get_queue("default", queue.queue_id) == queue
    assert queues.get_queue("other", queue.queue_id) is None
    with pytest.raises(Conflict, match="weekly"):
        queues.create_queue("default", "weekly", None, [])


def test_queues_are_listed_newest_first_with_their_number() -> None:
    made = []
    for name in "abc":
        with transaction():
            made.append(queues.create_queue("default", name, None, []))
    assert queues.list_queues("default", limit=2) == (made[:0:-1], 3)
    assert queues.list_queues("default", limit=2, offset=2) == ([made[0]], 3)


def test_an_item_keeps_the_time_of_its_first_review() -> None:
    with transaction():
        queue_id = queues.create_queue("default", "q", None, []).queue_id
        item = queues.add_item("default", queue_id, "trace", "t")
        other = queues.add_item("default", queue_id, "span", "s", completed=True)
    key = "default", queue_id, item.item_id
    with transaction():
        reviewed = queues.complete_item(*key, completed=True)
    with transaction():
        again = queues.complete_item(*key, completed=True)
    assert reviewed is not None
    assert reviewed.completed_at is not None
    assert again is not None
    assert again.completed_at == reviewed.completed_at
    assert queues.list_items("default", queue_id, completed=False, limit=9) == ([], 0)
    rows, number = queues.list_items("default", queue_id, completed=True, limit=1)
    assert ([row.item_id for row in rows], number) == ([min(other, item, key=by_age).item_id], 2)
    with transaction():
        reopened = queues.complete_item(*key, completed=False)
    assert reopened is not None
    assert reopened.completed_at is None
    assert queues.get_item(*key) == reopened


def by_age(item: queues.QueueItem) -> tuple[object, str]:
    return item.created_at, item.item_id


def test_an_item_is_removed_once_and_by_its_own_project() -> None:
    with transaction():
        queue_id = queues.create_queue("default", "q", None, []).queue_id
        item = queues.add_item("default", queue_id, "session", "s")
        assert not queues.remove_item("other", queue_id, item.item_id)
        assert queues.remove_item("default", queue_id, item.item_id)
        assert not queues.remove_item("default", queue_id, item.item_id)
        assert queues.complete_item("default", queue_id, item.item_id, completed=True) is None
