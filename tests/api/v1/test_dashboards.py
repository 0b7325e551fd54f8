"""Dashboards in the JSON API: listed, read, added, replaced, cloned, deleted."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tracer.dashboards.library import READY
from tracer.store.database.session import transaction
from tracer.store.projects.keys import create_key
from tracer.store.projects.projects import create_project

URL = "/api/v1/dashboards"
DOCUMENT = {
    "name": "Exports",
    "query": "env:$env",
    "variables": [{"name": "env", "field": "env"}],
    "tiles": [
        {"title": "p99.9", "question": {"measure": "percentile", "field": "latency"}},
        {"title": "Failed", "chart": "number", "question": {"query": "status:error"}},
    ],
}


def add(client: FlaskClient, **fields: Any) -> Any:
    answer = client.post(URL, json=DOCUMENT | fields)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def test_a_dashboard_is_added_read_replaced_and_deleted(client: FlaskClient) -> None:
    made = add(client)
    url = f"{URL}/{made['id']}"
    assert (made["document"], made["version"], made["ready"]) == (DOCUMENT, 1, False)
    assert client.get(url).get_json() == made
    assert client.get(f"/project/default/dashboards/{made['id']}").status_code == 200
    changed = DOCUMENT | {"name": "Imports", "tiles": []}
    replaced = client.put(f"{url}?version=1", json=changed)
    assert (replaced.status_code, replaced.get_json()["version"]) == (200, 2)
    assert client.put(f"{url}?version=1", json=DOCUMENT).status_code == 409
    assert client.get(url).get_json()["document"]["name"] == "Imports"
    assert client.put(url, json=DOCUMENT).get_json()["version"] == 3
    assert client.delete(url).get_json() == {"id": made["id"], "deleted": True}
    for answer in (client.get(url), client.delete(url), client.put(url, json=DOCUMENT)):
        assert answer.status_code == 404


def test_ready_dashboards_are_listed_and_cloned_and_not_changed(client: FlaskClient) -> None:
    made = add(client)
    rows = client.get(URL).get_json()["data"]
    assert [row["id"] for row in rows] == [made["id"], *READY]
    assert [row["ready"] for row in rows] == [False] + [True] * len(READY)
    assert rows[0]["tiles"] == 2
    for name in READY:
        document = client.get(f"{URL}/{name}").get_json()["document"]
        assert add(client, **document)["document"] == document
    copy = client.post(f"{URL}/cost/clone", json={})
    assert (copy.status_code, copy.get_json()["document"]["name"]) == (201, "Copy of Cost")
    named = client.post(f"{URL}/{made['id']}/clone", json={"name": "Mine"}).get_json()
    assert named["document"] == DOCUMENT | {"name": "Mine"}
    assert client.put(f"{URL}/cost", json=DOCUMENT).status_code == 400
    assert client.delete(f"{URL}/cost").status_code == 400
    assert client.post(f"{URL}/nothing/clone", json={}).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"nmae": "x"}, "nmae"),
        ({"range": "soon"}, "range"),
        ({"variables": [{"name": "a", "field": "env"}] * 2}, "variables"),
        ({"tiles": [{"title": "x", "question": {"measure": "most"}}]}, "tiles[0].question.measure"),
        ({"tiles": [{"title": "x", "question": {"query": "latncy:>2s"}}]}, "tiles[0]"),
        ({"tiles": [{"title": "x", "chart": "histogram", "question": {}}]}, "tiles[0]"),
    ],
)
def test_a_wrong_document_is_refused_with_the_name_of_the_field(
    client: FlaskClient, wrong: dict[str, Any], field: str
) -> None:
    answer = client.post(URL, json=DOCUMENT | wrong)
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["field"] == field


def test_a_project_sees_its_own_dashboards_only(app: Flask, client: FlaskClient) -> None:
    url = f"{URL}/{add(client)['id']}"
    with app.app_context(), transaction():
        create_project("other", "Other")
        secret = create_key("other", "ci")[1]
    other = {"Authorization": f"Bearer {secret}"}
    assert [row["id"] for row in client.get(URL, headers=other).get_json()["data"]] == [*READY]
    assert client.get(url, headers=other).status_code == 404
    assert client.put(url, json=DOCUMENT, headers=other).status_code == 404
    assert client.post(f"{url}/clone", json={}, headers=other).status_code == 404
    assert client.delete(url, headers=other).status_code == 404
    assert client.get(url).status_code == 200
