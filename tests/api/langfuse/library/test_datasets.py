"""Datasets, items and runs over Langfuse's API."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.http import path_of
from tests.support.langfuse.events import event, ingest

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
    listed = f"{PUBLIC}/dataset-items?includeArchived=true&datasetName=faq%2Feu"
    now = ok(client.get(listed))
    assert (now["data"], now["meta"]["totalItems"]) == ([changed], 1)
    then = ok(client.get(f"{PUBLIC}/dataset-items?datasetName=faq%2Feu&version={made['version']}"))
    assert then["data"] == [made]
    assert ok(client.get(f"{listed}&sourceTraceId=t"))["data"] == [changed]
    ok(client.delete(f"{PUBLIC}/dataset-items/i"))
    ok(client.get(f"{PUBLIC}/dataset-items/i"), 404)
    ok(client.delete(f"{PUBLIC}/dataset-items/i"), 404)


@pytest.mark.usefixtures("dataset")
def test_an_item_needs_its_dataset(client: FlaskClient) -> None:
    body = {"datasetName": "nope"}
    assert "nope" in ok(client.post(f"{PUBLIC}/dataset-items", json=body), 404)["message"]
    item(client, id="i")
    ok(client.post(f"{PUBLIC}/v2/datasets", json={"name": "other"}))
    body = {"datasetName": "other", "id": "i"}
    [issue] = ok(client.post(f"{PUBLIC}/dataset-items", json=body), 409)["error"]
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


@pytest.mark.usefixtures("dataset")
def test_a_run_item_needs_a_trace_and_an_item(client: FlaskClient) -> None:
    item(client, id="i")
    path = f"{PUBLIC}/dataset-run-items"
    [issue] = ok(client.post(path, json={"runName": "r", "datasetItemId": "i"}), 400)["error"]
    assert issue["path"] == ["traceId"]
    ok(client.post(path, json={"runName": "r", "datasetItemId": "x", "traceId": "t"}), 404)


@pytest.mark.usefixtures("dataset")
def test_archived_items_are_left_out(client: FlaskClient) -> None:
    made = item(client, id="i1")
    archived = item(client, id="i2", status="ARCHIVED")
    for path in ("dataset-items?datasetName=faq%2Feu", "dataset-items"):
        listed = ok(client.get(f"{PUBLIC}/{path}"))
        assert (listed["data"], listed["meta"]["totalItems"]) == ([made], 1)
    assert ok(client.get(f"{PUBLIC}/datasets/faq%2Feu"))["items"] == [made]
    assert ok(client.get(f"{PUBLIC}/dataset-items/i2")) == archived


@pytest.mark.usefixtures("dataset")
def test_a_version_cut_to_milliseconds_has_the_item_of_that_time(client: FlaskClient) -> None:
    made = item(client, id="i")
    cut = f"{made['createdAt'][:23]}Z"
    path = f"{PUBLIC}/dataset-items?datasetName=faq%2Feu&version="
    assert ok(client.get(f"{path}{cut}"))["data"] == [made]
    assert ok(client.get(f"{path}2020-01-01"))["data"] == []


SCHEMA = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}


def test_items_conform_to_the_schemas_of_their_dataset(client: FlaskClient) -> None:
    body = {"name": "sch", "inputSchema": SCHEMA, "expectedOutputSchema": {"enum": [None, 1]}}
    ok(client.post(f"{PUBLIC}/v2/datasets", json=body))

    def refused(**fields: Any) -> Any:
        answer = client.post(f"{PUBLIC}/dataset-items", json={"datasetName": "sch", **fields})
        error = ok(answer, 400)
        assert "validation failed" in error["message"]
        return [issue["path"] for issue in error["error"]]

    assert refused(input={"b": 1}) == [["input"]]
    assert refused(input={"a": "x"}, expectedOutput=2) == [["input", "a"], ["expectedOutput"]]
    assert refused() == [["input"]]
    made = ok(
        client.post(f"{PUBLIC}/dataset-items", json={"datasetName": "sch", "input": {"a": 1}})
    )
    assert refused(id=made["id"], input={"a": None}) == [["input", "a"]]
    change = {"datasetName": "sch", "id": made["id"], "status": "ARCHIVED"}
    assert ok(client.post(f"{PUBLIC}/dataset-items", json=change))["status"] == "ARCHIVED"


@pytest.mark.parametrize(
    "schema", [{"type": "nope"}, {"pattern": "("}, 5, [], {"$ref": "http://127.0.0.1:9/a"}]
)
def test_what_is_no_schema_is_refused(client: FlaskClient, schema: Any) -> None:
    body = {"name": "sch", "inputSchema": schema}
    [issue] = ok(client.post(f"{PUBLIC}/v2/datasets", json=body), 400)["error"]
    assert issue["path"] == ["inputSchema"]


def doubling(levels: int, keyword: str) -> dict[str, Any]:
    """Return a schema whose validation takes twice as long with each level."""
    parts: dict[str, Any] = {"p0": {"type": "string"}}
    for number in range(1, levels):
        parts[f"p{number}"] = {keyword: [{"$ref": f"#/$defs/p{number - 1}"}] * 2}
    return {"$defs": parts, "$ref": f"#/$defs/p{levels - 1}"}


EITHER_WAY = {"items": {"$ref": "#"}, "not": {"items": {"$ref": "#"}}}


@pytest.mark.parametrize(
    "schema", [doubling(60, "allOf"), doubling(2_000, "allOf"), {"allOf": [{"$ref": "#"}] * 2}]
)
def test_a_schema_that_takes_for_ever_is_refused(client: FlaskClient, schema: Any) -> None:
    body = {"name": "sch", "inputSchema": schema}
    [issue] = ok(client.post(f"{PUBLIC}/v2/datasets", json=body), 400)["error"]
    assert issue["path"] == ["inputSchema"]


def test_a_value_is_refused_where_a_schema_of_itself_takes_for_ever(client: FlaskClient) -> None:
    for name, schema in (("rec", EITHER_WAY), ("tree", {"properties": {"a": {"$ref": "#"}}})):
        ok(client.post(f"{PUBLIC}/v2/datasets", json={"name": name, "inputSchema": schema}))
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    refused = client.post(f"{PUBLIC}/dataset-items", json={"datasetName": "rec", "input": deep})
    assert "a smaller value" in ok(refused, 400)["error"][0]["message"]
    nested: Any = {}
    for _ in range(50):
        nested = {"a": nested, "b": 1}
    ok(client.post(f"{PUBLIC}/dataset-items", json={"datasetName": "tree", "input": nested}))


@pytest.mark.usefixtures("dataset")
def test_a_schema_is_refused_that_an_item_does_not_conform_to(client: FlaskClient) -> None:
    item(client, id="i", input={"b": 1})
    body = {"name": "faq/eu", "inputSchema": SCHEMA}
    error = ok(client.post(f"{PUBLIC}/v2/datasets", json=body), 400)
    assert "validation failed for 1 item(s)" in error["message"]
    assert "'i'" in error["message"]
    assert ok(client.get(f"{PUBLIC}/v2/datasets/faq%2Feu"))["inputSchema"] is None


def test_media_that_an_item_refers_to_are_resolved(client: FlaskClient, dataset: Any) -> None:
    content = b"picture"
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    announcement = {
        **{"datasetId": dataset["id"], "datasetItemId": "i", "field": "input"},
        **{"contentType": "image/png", "contentLength": len(content), "sha256Hash": digest},
    }
    announced = ok(client.post(f"{PUBLIC}/media", json=announcement), 201)
    text = f"@@@langfuseMedia:type=image/png|id={announced['mediaId']}|source=bytes@@@"
    missing = "@@@langfuseMedia:type=image/png|id=none|source=bytes@@@"
    value = {"it's": [text, missing], "other": f"see {text}"}
    assert item(client, id="i", input=value)["mediaReferences"] == []
    client.put(path_of(announced["uploadUrl"]), data=content)
    for datasets in (
        ok(client.get(f"{PUBLIC}/dataset-items/i")),
        *ok(client.get(f"{PUBLIC}/dataset-items?datasetName=faq%2Feu"))["data"],
        *ok(client.get(f"{PUBLIC}/datasets/faq%2Feu"))["items"],
    ):
        [reference] = datasets["mediaReferences"]
        assert (reference["field"], reference["referenceString"]) == ("input", text)
        assert reference["jsonPath"] == "$['it's'][0]"
        medium = reference["media"]
        assert (medium["mediaId"], medium["contentType"]) == (announced["mediaId"], "image/png")
        assert client.get(path_of(medium["url"])).data == content


@pytest.mark.usefixtures("dataset")
def test_a_run_item_is_recorded_by_its_observation_alone(client: FlaskClient) -> None:
    ingest(client, event("span-create", id="vo", traceId="vt", name="n"))
    made = item(client, id="i")
    body = {
        **{"runName": "r1", "datasetItemId": "i", "observationId": "vo"},
        **{"createdAt": "2026-01-02T03:04:05Z", "datasetVersion": made["createdAt"]},
    }
    run_item = ok(client.post(f"{PUBLIC}/dataset-run-items", json=body))
    assert (run_item["traceId"], run_item["observationId"]) == ("vt", "vo")
    assert run_item["createdAt"].startswith("2026-01-02T03:04:05")
    since = "fromStartTime=2020-01-01&fields=core,dataset"
    [result] = ok(client.get(f"{PUBLIC}/experiment-items?{since}"))["data"]
    assert result["experimentItemVersion"][:23] == made["createdAt"][:23]
    unknown = {"runName": "r1", "datasetItemId": "i", "observationId": "none"}
    ok(client.post(f"{PUBLIC}/dataset-run-items", json=unknown), 404)
    early = {**body, "datasetVersion": "2020-01-01"}
    ok(client.post(f"{PUBLIC}/dataset-run-items", json=early), 404)


@pytest.mark.usefixtures("dataset")
def test_an_item_of_another_dataset_is_a_conflict(client: FlaskClient) -> None:
    item(client, id="i")
    ok(client.post(f"{PUBLIC}/v2/datasets", json={"name": "other"}))
    body = {"datasetName": "other", "id": "i"}
    ok(client.post(f"{PUBLIC}/dataset-items", json=body), 409)


@pytest.mark.usefixtures("dataset")
def test_ids_have_no_control_characters(client: FlaskClient) -> None:
    for fields in ({"id": "a\rb"}, {"sourceTraceId": "a\nb"}):
        body = {"datasetName": "faq/eu", **fields}
        ok(client.post(f"{PUBLIC}/dataset-items", json=body), 400)


def test_the_first_generation_returns_what_a_dataset_holds(client: FlaskClient) -> None:
    body = {"name": "d", "metadata": {"a": 1}}
    made = ok(client.post(f"{PUBLIC}/datasets", json=body))
    assert (made["name"], made["items"], made["runs"]) == ("d", [], [])
    for fields in ({"id": "i"}, {"id": "j", "status": "ARCHIVED"}):
        item(client, datasetName="d", **fields)
    run_item = {"runName": "r", "datasetItemId": "i", "traceId": "t"}
    ok(client.post(f"{PUBLIC}/dataset-run-items", json=run_item))
    again = ok(client.post(f"{PUBLIC}/datasets", json=body))
    assert ([row["id"] for row in again["items"]], again["runs"]) == (["i"], ["r"])
    ok(client.post(f"{PUBLIC}/v2/datasets", json={"name": "empty"}))
    listed = ok(client.get(f"{PUBLIC}/datasets"))
    assert [(row["name"], row["items"], row["runs"]) for row in listed["data"]] == [
        ("empty", [], []),
        ("d", ["i"], ["r"]),
    ]
    assert listed["meta"]["totalItems"] == 2


@pytest.mark.usefixtures("dataset")
def test_a_version_is_of_one_dataset(client: FlaskClient) -> None:
    [issue] = ok(client.get(f"{PUBLIC}/dataset-items?version=2026-01-01"), 400)["error"]
    assert issue["path"] == ["version"]


def test_a_run_begins_with_its_first_item(client: FlaskClient, dataset: Any) -> None:
    item(client, id="i")
    body = {"runName": "r", "datasetItemId": "i", "metadata": {"m": 1}}
    version = "2040-01-01T00:00:00.000Z"
    for year in (2021, 2022, 2023):
        times = {"createdAt": f"{year}-01-01T00:00:00Z", "datasetVersion": version}
        ok(client.post(f"{PUBLIC}/dataset-run-items", json={**body, **times, "traceId": str(year)}))
    run = ok(client.get(f"{PUBLIC}/datasets/faq%2Feu/runs/r"))
    assert run["createdAt"].startswith("2021-01-01T00:00:00")
    assert run["metadata"] == {"m": 1, "dataset_version": version}
    path = f"{PUBLIC}/dataset-run-items?datasetId={dataset['id']}&runName=r"
    for window, years in (
        ("", ["2021", "2022", "2023"]),
        ("&fromTimestamp=2022-01-01T00:00:00Z", ["2022", "2023"]),
        ("&toTimestamp=2022-01-01T00:00:00Z", ["2021"]),
        ("&fromTimestamp=2022-01-01&toTimestamp=2023-01-01", ["2022"]),
    ):
        listed = ok(client.get(f"{path}{window}"))
        assert [row["traceId"] for row in listed["data"]] == years, window
        assert listed["meta"]["totalItems"] == len(years)
    ok(client.get(f"{path}&fromTimestamp=soon"), 400)
