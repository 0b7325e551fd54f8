"""Annotation queues over Langfuse's API."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

QUEUES = "/api/public/annotation-queues"


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.get_json()


@pytest.fixture
def queue(client: FlaskClient) -> str:
    made = ok(client.post(QUEUES, json={"name": "q", "scoreConfigIds": [config(client)]}))
    return str(made["id"])


def config(client: FlaskClient) -> str:
    """Return the id of a new score config."""
    fields = {"name": "grade", "dataType": "NUMERIC"}
    return str(ok(client.post("/api/public/score-configs", json=fields))["id"])


def test_a_queue_is_read_back_and_its_name_is_unique(client: FlaskClient, queue: str) -> None:
    stored = ok(client.get(f"{QUEUES}/{queue}"))
    assert (stored["name"], len(stored["scoreConfigIds"])) == ("q", 1)
    assert ok(client.get(QUEUES))["data"] == [stored]
    same = {"name": "q", "scoreConfigIds": stored["scoreConfigIds"]}
    [issue] = ok(client.post(QUEUES, json=same), 400)["error"]
    assert issue["path"] == ["name"]
    assert ok(client.get(f"{QUEUES}/nope"), 404)["error"] == "LangfuseNotFoundError"


def test_items_are_added_completed_and_removed(client: FlaskClient, queue: str) -> None:
    items = f"{QUEUES}/{queue}/items"
    made = [
        ok(client.post(items, json={"objectId": name, "objectType": kind}))
        for name, kind in (("t", "TRACE"), ("o", "OBSERVATION"), ("s", "SESSION"))
    ]
    assert [item["status"] for item in made] == ["PENDING"] * 3
    path = f"{items}/{made[1]['id']}"
    judged = ok(client.patch(path, json={"status": "COMPLETED"}))
    assert judged["completedAt"] is not None
    assert (
        ok(client.patch(path, json={"status": "COMPLETED"}))["completedAt"] == judged["completedAt"]
    )
    assert ok(client.get(f"{items}?status=COMPLETED"))["data"] == [ok(client.get(path))]
    assert ok(client.get(f"{items}?status=PENDING"))["meta"]["totalItems"] == 2
    ok(client.delete(path))
    ok(client.get(path), 404)
    ok(client.delete(path), 404)
    ok(client.post(items, json={"objectId": "x", "objectType": "PROMPT"}), 400)


def test_people_are_assigned(client: FlaskClient, queue: str) -> None:
    path = f"{QUEUES}/{queue}/assignments"
    assert ok(client.post(path, json={"userId": "u"}))["userId"] == "u"
    assert ok(client.delete(path, json={"userId": "u"}))["success"] is True
    ok(client.post(f"{QUEUES}/nope/assignments", json={"userId": "u"}), 404)


@pytest.mark.parametrize("sent", [{}, {"scoreConfigIds": []}, {"scoreConfigIds": ["none"]}])
def test_a_queue_needs_score_configs_of_the_project(client: FlaskClient, sent: Any) -> None:
    [issue] = ok(client.post(QUEUES, json={"name": "q", **sent}), 400)["error"]
    assert issue["path"] == ["scoreConfigIds"]
