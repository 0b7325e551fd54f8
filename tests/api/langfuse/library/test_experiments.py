"""Experiments over Langfuse's API: of spans or of linked traces, read by one pair of routes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

PUBLIC = "/api/public"
SINCE = "fromStartTime=2026-01-01T00:00:00Z"
START = 1_767_225_600_000_000_000  # 2026-01-01


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.get_json()


def answer_item(client: FlaskClient, number: int, *, run: str = "e1", **fields: str) -> None:
    """Send the trace of an item: a root span, the one that answers, and a call below that."""
    values = {
        "langfuse.experiment.id": run,
        "langfuse.experiment.name": "nightly",
        "langfuse.experiment.metadata": '{"model": "m"}',
        "langfuse.experiment.item.id": f"item{number}",
        "langfuse.experiment.item.root_observation_id": f"{number:016x}",
        "langfuse.experiment.item.expected_output": '{"a": 1}',
        "langfuse.environment": "sdk-experiment",
        "langfuse.observation.input": "question",
        **fields,
    }
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]
    root, task, call = f"{number + 1000:016x}", f"{number:016x}", f"{number + 2000:016x}"
    spans = [
        {
            "traceId": f"{number:032x}",
            "spanId": span_id,
            "parentSpanId": parent,
            "name": "span",
            "startTimeUnixNano": str(START + number * 1_000_000_000),
            "endTimeUnixNano": str(START + number * 1_000_000_000 + 500_000_000),
            "attributes": attributes,
        }
        for span_id, parent in ((root, ""), (task, root), (call, task))
    ]
    body = {
        "resourceSpans": [{"scopeSpans": [{"scope": {"name": "langfuse-sdk"}, "spans": spans}]}]
    }
    ok(client.post(f"{PUBLIC}/otel/v1/traces", json=body))


def test_an_experiment_of_spans_is_listed_with_its_answers(client: FlaskClient) -> None:
    for number in (1, 2, 3):
        answer_item(client, number)
    answer_item(client, 3)  # Again: nothing changes.
    whole = {"datasetRunId": "e1", "name": "mean", "value": 0.5}
    ok(client.post(f"{PUBLIC}/scores", json=[whole, {**whole, "traceId": "t"}]), 207)
    [experiment] = ok(client.get(f"{PUBLIC}/experiments?{SINCE}&fields=core,metadata,scores"))[
        "data"
    ]
    assert (experiment["id"], experiment["name"], experiment["itemCount"]) == ("e1", "nightly", 3)
    assert (experiment["startTime"], experiment["endTime"]) == (
        "2026-01-01T00:00:01.000Z",
        "2026-01-01T00:00:03.500Z",
    )
    assert (experiment["datasetId"], experiment["metadata"]) == (None, {"model": "m"})
    [mean] = ok(client.get(f"{PUBLIC}/v3/scores?experimentId=e1&fields=details,subject"))["data"]
    assert [mean] == experiment["scores"]
    assert mean["subject"] == {"kind": "experiment", "id": "e1"}
    [mean] = ok(client.get(f"{PUBLIC}/v2/scores?datasetRunId=e1"))["data"]
    assert (mean["datasetRunId"], mean["traceId"], mean["value"]) == ("e1", None, 0.5)
    score = {"traceId": f"{2:032x}", "name": "good", "value": 1}
    ok(client.post(f"{PUBLIC}/scores", json=score))
    groups = "core,dataset,io,metadata,itemMetadata,experimentMetadata,scores"
    path = f"{PUBLIC}/experiment-items?{SINCE}&limit=2&fields={groups}"
    page = ok(client.get(path))
    rest = ok(client.get(f"{path}&cursor={page['meta']['cursor']}"))
    assert "cursor" not in rest["meta"]
    answers = [*page["data"], *rest["data"]]
    assert [item["experimentItemId"] for item in answers] == ["item3", "item2", "item1"]
    second = answers[1]
    assert (second["id"], second["traceId"]) == (f"{2:016x}", f"{2:032x}")
    assert (second["environment"], second["level"]) == ("sdk-experiment", "DEFAULT")
    assert (second["input"], second["expectedOutput"]) == ("question", {"a": 1})
    assert second["experimentMetadata"] == {"model": "m"}
    assert [experiment["name"] for experiment in second["scores"]] == ["good"]
    assert second["scores"][0]["subject"]["kind"] == "trace"
    ok(client.delete(f"{PUBLIC}/traces/{3:032x}"))
    [experiment] = ok(client.get(f"{PUBLIC}/experiments?{SINCE}"))["data"]
    assert (experiment["itemCount"], experiment["endTime"]) == (2, "2026-01-01T00:00:02.500Z")


def test_experiments_are_filtered_by_id_name_dataset_and_time(client: FlaskClient) -> None:
    answer_item(client, 1, run="e1")
    answer_item(client, 2, run="e2")

    def ids(query: str) -> list[str]:
        return [
            experiment["id"]
            for experiment in ok(client.get(f"{PUBLIC}/experiments?{query}"))["data"]
        ]

    assert ids(SINCE) == ["e2", "e1"]
    assert ids(f"{SINCE}&id=e1,e3") == ["e1"]
    assert ids(f"{SINCE}&name=nightly&toStartTime=2026-01-01T00:00:02Z") == ["e1"]
    condition = '[{"type":"string","column":"id","operator":"=","value":"e2"}]'
    assert ids(f"{SINCE}&filter={condition}") == ["e2"]
    assert ids("fromStartTime=2026-02-01T00:00:00Z") == []
    page = ok(client.get(f"{PUBLIC}/experiments?{SINCE}&limit=1"))
    assert ids(f"{SINCE}&limit=1&cursor={page['meta']['cursor']}") == ["e1"]


@pytest.mark.parametrize("path", ["experiments", "experiment-items"])
@pytest.mark.parametrize("query", ["", f"{SINCE}&fields=nope", f"{SINCE}&cursor=nope"])
def test_an_invalid_query_is_refused(client: FlaskClient, path: str, query: str) -> None:
    ok(client.get(f"{PUBLIC}/{path}?{query}"), 400)


def test_a_run_of_a_dataset_is_an_experiment_once(client: FlaskClient) -> None:
    dataset = ok(client.post(f"{PUBLIC}/v2/datasets", json={"name": "faq"}))
    body = {"datasetName": "faq", "id": "item1", "input": 1, "expectedOutput": 2}
    ok(client.post(f"{PUBLIC}/dataset-items", json=body))
    link = {
        "runName": "nightly",
        "datasetItemId": "item1",
        "traceId": f"{1:032x}",
        "observationId": f"{1:016x}",
    }
    made = ok(client.post(f"{PUBLIC}/dataset-run-items", json=link))
    # The older SDKs take the run's id for the experiment's; the newer ones make their own.
    of_dataset = {"langfuse.experiment.dataset.id": dataset["id"]}
    for run in (made["datasetRunId"], "own"):
        answer_item(client, 1, run=run, **of_dataset)
    [experiment] = ok(client.get(f"{PUBLIC}/experiments?{SINCE}&datasetId={dataset['id']}"))["data"]
    assert (experiment["id"], experiment["itemCount"]) == (made["datasetRunId"], 1)
    run = ok(client.get(f"{PUBLIC}/datasets/faq/runs/nightly"))
    assert [item["id"] for item in run["datasetRunItems"]] == [made["id"]]


def test_an_older_run_of_whole_traces_is_an_experiment(client: FlaskClient) -> None:
    ok(client.post(f"{PUBLIC}/v2/datasets", json={"name": "faq"}))
    item = {"datasetName": "faq", "id": "i", "expectedOutput": 2, "metadata": {"m": 1}}
    ok(client.post(f"{PUBLIC}/dataset-items", json=item))
    span = {"id": "s", "traceId": "t", "startTime": "2026-01-02T00:00:00Z", "input": 1}
    ok(client.post(f"{PUBLIC}/spans", json=span))
    link = {"runName": "r", "datasetItemId": "i", "traceId": "t"}
    ok(client.post(f"{PUBLIC}/dataset-run-items", json=link))
    [answered] = ok(client.get(f"{PUBLIC}/experiment-items?{SINCE}&fields=io,itemMetadata"))["data"]
    assert (answered["id"], answered["input"], answered["expectedOutput"]) == ("s", 1, 2)
    assert answered["experimentItemMetadata"] == {"m": 1}
    ok(client.post(f"{PUBLIC}/traces", json={"id": "bare", "input": 5, "name": "n"}))
    ok(client.post(f"{PUBLIC}/dataset-run-items", json={**link, "traceId": "bare"}))
    [two, _] = ok(client.get(f"{PUBLIC}/experiment-items?{SINCE}&fields=io"))["data"]
    assert (two["id"], two["input"], two["level"]) == ("bare", 5, "DEFAULT")
    [run] = ok(client.get(f"{PUBLIC}/experiments?{SINCE}"))["data"]
    assert run["itemCount"] == 2


def test_observations_and_scores_are_filtered_and_measured_by_their_experiment(
    client: FlaskClient,
) -> None:
    answer_item(client, 1)
    answer_item(client, 2, run="e2")
    judged = {"name": "good", "value": 1, "traceId": f"{1:032x}", "observationId": f"{1:016x}"}
    ok(client.post(f"{PUBLIC}/scores", json=judged))
    for column, value, operator in (
        ("experimentId", "e1", "="),
        ("experimentItemId", "item1", "="),
        ("experimentName", "nightly", "="),
        ("experimentDatasetId", None, "is null"),
    ):
        kind = "null" if value is None else "string"
        condition = {"type": kind, "column": column, "operator": operator, "value": value or ""}
        query = {"filter": json.dumps([condition])}
        observations = ok(client.get(f"{PUBLIC}/v2/observations", query_string=query))["data"]
        assert len({observation["traceId"] for observation in observations}) == (
            1 if value in ("e1", "item1") else 2
        )
    for view, dimension, counts in (
        ("observations", "experimentId", {"e1": 3, "e2": 3}),
        ("observations", "experimentName", {"nightly": 6}),
        ("scores-numeric", "experimentId", {"e1": 1}),
        ("scores-numeric", "observationName", {"span": 1}),
        ("scores-numeric", "traceName", {"span": 1}),
        ("scores-numeric", "observationModelName", {None: 1}),
        ("scores-numeric", "observationPromptVersion", {None: 1}),
    ):
        condition = {
            "view": view,
            "dimensions": [{"field": dimension}],
            "metrics": [{"measure": "count", "aggregation": "count"}],
            "fromTimestamp": "2026-01-01T00:00:00Z",
            "toTimestamp": "2100-01-01T00:00:00Z",
        }
        query = {"query": json.dumps(condition)}
        rows = ok(client.get(f"{PUBLIC}/v2/metrics", query_string=query))["data"]
        assert {row[dimension]: row["count_count"] for row in rows} == counts, dimension
