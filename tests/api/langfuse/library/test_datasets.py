"""Datasets, items and runs over Langfuse's API."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

PUBLIC = "/api/public"


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.get_json()


@pytest.fixture
def dataset(client: FlaskClient) -> Any:
    fields = {"name": "faq/eu", "description": "d", "metadata": {"a": 1}}
    return ok(client.post(f"{PUBLIC}/v2/datasets", json=fields))


def item(client: FlaskClient, **fields: Any) -> Any:
    body = {"datasetName": "faq/eu", "input": {"q": 1}, **fields}
    return ok(client.post(f"{PUBLIC}/dataset-items", json=body))


def test_a_dataset_is_read_by_name(client: FlaskClient, dataset: Any) -> None:
    assert ok(client.get(f"{PUBLIC}/v2/datasets/faq%2Feu")) == dataset
    assert ok(client.get(f"{PUBLIC}/v2/datasets"))["data"] == [dataset]
    missing = ok(client.get(f"{PUBLIC}/v2/datasets/nope"), 404)
    assert missing["error"] == "LangfuseNotFoundError"


def test_items_are_listed_read_changed_and_deleted(client: FlaskClient, dataset: Any) -> None:
    made = item(client, id="i", expectedOutput=[1], sourceTraceId="t", sourceObservationId="s")
    assert made["datasetId"] == dataset["id"]
    assert (made["status"], made["sourceObservationId"]) == ("ACTIVE", "s")
    assert ok(client.get(f"{PUBLIC}/dataset-items/i")) == made
    changed = item(client, id="i", status="ARCHIVED", input=None)
    assert (changed["status"], changed["input"], changed["expectedOutput"]) == (
        "ARCHIVED",
        None,
        [1],
    )
    now = ok(client.get(f"{PUBLIC}/dataset-items?datasetName=faq%2Feu"))
    assert (now["data"], now["meta"]["totalItems"]) == ([changed], 1)
    then = ok(client.get(f"{PUBLIC}/dataset-items?datasetName=faq%2Feu&version={made['version']}"))
    assert then["data"] == [made]
    assert ok(client.get(f"{PUBLIC}/dataset-items?sourceTraceId=t"))["data"] == [changed]
    ok(client.delete(f"{PUBLIC}/dataset-items/i"))
    ok(client.get(f"{PUBLIC}/dataset-items/i"), 404)
    ok(client.delete(f"{PUBLIC}/dataset-items/i"), 404)


def test_an_item_needs_its_dataset(client: FlaskClient, dataset: Any) -> None:
    body = {"datasetName": "nope"}
    assert "nope" in ok(client.post(f"{PUBLIC}/dataset-items", json=body), 404)["message"]
    item(client, id="i")
    ok(client.post(f"{PUBLIC}/v2/datasets", json={"name": "other"}))
    body = {"datasetName": "other", "id": "i"}
    [issue] = ok(client.post(f"{PUBLIC}/dataset-items", json=body), 400)["error"]
    assert issue["path"] == ["id"]


def test_a_run_is_created_with_its_first_item(client: FlaskClient, dataset: Any) -> None:
    item(client, id="i")
    body = {"runName": "r/1", "datasetItemId": "i", "traceId": "t", "metadata": {"m": 1}}
    made = ok(client.post(f"{PUBLIC}/dataset-run-items", json=body))
    assert ok(client.post(f"{PUBLIC}/dataset-run-items", json=body)) == made
    run = ok(client.get(f"{PUBLIC}/datasets/faq%2Feu/runs/r%2F1"))
    assert (run["id"], run["metadata"]) == (made["datasetRunId"], {"m": 1})
    assert run["datasetRunItems"] == [made]
    runs = ok(client.get(f"{PUBLIC}/datasets/faq%2Feu/runs"))
    assert [row["name"] for row in runs["data"]] == ["r/1"]
    query = f"datasetId={dataset['id']}&runName=r%2F1"
    assert ok(client.get(f"{PUBLIC}/dataset-run-items?{query}"))["data"] == [made]
    ok(client.delete(f"{PUBLIC}/datasets/faq%2Feu/runs/r%2F1"))
    ok(client.get(f"{PUBLIC}/datasets/faq%2Feu/runs/r%2F1"), 404)


def test_a_run_item_needs_a_trace_and_an_item(client: FlaskClient, dataset: Any) -> None:
    item(client, id="i")
    path = f"{PUBLIC}/dataset-run-items"
    [issue] = ok(client.post(path, json={"runName": "r", "datasetItemId": "i"}), 400)["error"]
    assert issue["path"] == ["traceId"]
    ok(client.post(path, json={"runName": "r", "datasetItemId": "x", "traceId": "t"}), 404)
