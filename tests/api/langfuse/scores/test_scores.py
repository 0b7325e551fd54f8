"""Scores over Langfuse's API in its three versions: read, created, deleted, checked by configs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.langfuse.events import event
from tests.support.langfuse.reads import PUBLIC, filter_condition, get, ids


def test_scores_of_the_first_two_versions(filled: FlaskClient) -> None:
    assert ids(get(filled, "scores")) == ["q5", "q3", "q2", "q1"]
    assert ids(get(filled, "v2/scores")) == ["q5", "q4", "q3", "q2", "q1"]
    for query, wanted in (
        ({"name": "good"}, ["q3", "q1"]),
        ({"operator": ">", "value": 0.5}, ["q4", "q3"]),
        ({"sessionId": "s"}, ["q4"]),
        ({"traceId": "t0"}, ["q2", "q1"]),
        ({"observationId": "llm"}, ["q2"]),
        ({"dataType": "CATEGORICAL"}, ["q2"]),
        ({"scoreIds": "q1,q5"}, ["q5", "q1"]),
        ({"userId": "u1"}, ["q5", "q3"]),
        ({"traceTags": "tag0"}, ["q2", "q1"]),
        ({"environment": "dev"}, ["q2", "q1"]),
        ({"source": "API", "limit": 1, "page": 2}, ["q4"]),
        ({"source": "ANNOTATION"}, []),
        (
            {"filter": json.dumps([filter_condition("stringOptions", "name", "any of", ["ok"])])},
            ["q2"],
        ),
    ):
        assert ids(get(filled, "v2/scores", **query)) == wanted, query
    flag = get(filled, "v2/scores/q4")
    assert (flag["dataType"], flag["value"], flag["stringValue"]) == ("BOOLEAN", 1, "True")
    label = get(filled, "scores/q2")
    assert (label["value"], label["stringValue"], label["observationId"]) == (0, "yes", "llm")
    assert label["trace"]["userId"] == "u0"
    assert get(filled, "v2/scores", fields="score")["data"][0]["trace"] is None
    for fields in ("score,trace,odd", "odd", ""):
        assert get(filled, "v2/scores", fields=fields)["data"][0]["trace"]["userId"] == "u1"
    assert get(filled, "v2/scores", 400, fields="trace")
    error = get(filled, "v2/scores", 400, fields="score", traceTags="tag0")
    assert error["error"] == "InvalidRequestError"
    assert "trace properties" in error["message"]


def test_an_environment_is_also_that_of_the_trace_that_a_query_names(filled: FlaskClient) -> None:
    body = {"traceId": "t0", "name": "n", "value": 1, "environment": "prod"}
    made = filled.post(f"{PUBLIC}/scores", json=body).get_json()["id"]
    assert made in ids(get(filled, "v2/scores", environment="prod"))
    assert made not in ids(get(filled, "v2/scores", environment="prod", userId="u0"))


def test_scores_of_the_third_version(filled: FlaskClient) -> None:
    page = get(filled, "v3/scores", fields="details,subject,annotation")
    assert ids(page) == ["q5", "q4", "q3", "q2", "q1"]
    values = {score["id"]: score["value"] for score in page["data"]}
    assert values == {"q1": 0.5, "q2": "yes", "q3": 1.0, "q4": True, "q5": "w"}
    subjects = {score["id"]: score["subject"] for score in page["data"]}
    assert subjects["q2"] == {"kind": "observation", "id": "llm", "traceId": "t0"}
    assert subjects["q4"] == {"kind": "session", "id": "s"}
    assert subjects["q1"] == {"kind": "trace", "id": "t0"}
    first_keys = get(filled, "v3/scores")["data"][0].keys()
    assert "subject" not in first_keys
    for query, wanted in (
        ({"id": "q1,q2"}, ["q2", "q1"]),
        ({"dataType": "NUMERIC", "valueMin": 0.7}, ["q3"]),
        ({"traceId": "t0", "observationId": "llm"}, ["q2"]),
        ({"dataType": "categorical", "value": "yes"}, ["q2"]),
        ({"dataType": "numeric", "value": "0.5,7"}, ["q1"]),
        ({"source": "api,Eval"}, ["q5", "q4", "q3", "q2", "q1"]),
        ({"authorUserId": "u"}, []),
        ({"dataType": "BOOLEAN", "value": "true"}, ["q4"]),
    ):
        assert ids(get(filled, "v3/scores", **query)) == wanted, query
    for query in (
        {"userId": "u"},
        {"fields": "odd"},
        {"valueMin": 1},
        {"observationId": "llm"},
        {"value": 1},
        {"value": 1, "dataType": "TEXT"},
        {"value": 1, "dataType": "NUMERIC,BOOLEAN"},
        {"value": "Infinity", "dataType": "NUMERIC"},
        {"value": "x", "dataType": "NUMERIC"},
        {"value": 1, "dataType": "BOOLEAN"},
        {"valueMin": "NaN", "dataType": "NUMERIC"},
        {"traceId": "a", "sessionId": "b"},
        {"sessionId": "a", "experimentId": "b"},
        {"source": "odd"},
    ):
        assert get(filled, "v3/scores", 400, **query), query
    assert get(filled, "v3/scores", fields="core")["data"][0].keys() == first_keys
    assert "comment" in get(filled, "v3/scores", fields="core,details")["data"][0]
    assert ids(get(filled, "v3/scores", fromTimestamp="2020-01-01")) == ids(page)
    first = get(filled, "v3/scores", limit=3)
    second = get(filled, "v3/scores", limit=3, cursor=first["meta"]["cursor"])
    assert ids(first) + ids(second) == ["q5", "q4", "q3", "q2", "q1"]
    assert "cursor" not in second["meta"]


def test_scores_are_created_one_by_one_and_in_batches_and_deleted(filled: FlaskClient) -> None:
    made = filled.post(f"{PUBLIC}/scores", json={"traceId": "t0", "name": "n", "value": 1})
    assert made.status_code == 200
    score_id = made.get_json()["id"]
    assert get(filled, f"v2/scores/{score_id}")["dataType"] == "NUMERIC"
    batch = [
        {"traceId": "t0", "name": "a", "value": True},
        {"sessionId": "s", "name": "b", "value": "c"},
    ]
    answer = filled.post(f"{PUBLIC}/scores", json=batch)
    assert (answer.status_code, answer.get_json()) == (202, {"message": "Accepted"})
    answer = filled.post(f"{PUBLIC}/scores", json=[*batch, {"name": "c", "value": 1}])
    assert answer.status_code == 207
    created = answer.get_json()
    assert (created["accepted"], created["rejected"]) == (2, 1)
    assert "scores[2]: traceId" in created["errors"][0]["message"]
    assert filled.delete(f"{PUBLIC}/scores/{score_id}").status_code == 202
    assert get(filled, f"scores/{score_id}", 404)


def test_scores_follow_the_config_that_they_name(filled: FlaskClient) -> None:
    def config(**body: Any) -> str:
        answer = filled.post(f"{PUBLIC}/score-configs", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["id"])

    number = config(name="grade", dataType="NUMERIC", minValue=1, maxValue=6)
    categories = [{"label": "good", "value": 1}, {"label": "bad", "value": 0}]
    label = config(name="verdict", dataType="CATEGORICAL", categories=categories)

    def score(**body: Any) -> Any:
        return filled.post(f"{PUBLIC}/scores", json={"traceId": "t0", "name": "x", **body})

    assert score(value=7, configId=number).status_code == 400
    assert score(value="ugly", configId=label).status_code == 400
    assert score(value="good", configId="none").status_code == 400
    made = score(value="good", configId=label).get_json()["id"]
    stored = get(filled, f"v2/scores/{made}")
    assert (stored["name"], stored["value"], stored["configId"]) == ("verdict", 1, label)
    bad = event("score-create", 9, "late", traceId="t0", name="x", value=9, configId=number)
    answer = filled.post(f"{PUBLIC}/ingestion", json={"batch": [bad]}).get_json()
    assert "body.value" in answer["errors"][0]["error"]
    changed = filled.patch(f"{PUBLIC}/score-configs/{number}", json={"isArchived": True})
    assert changed.get_json()["isArchived"] is True
    assert score(value=3, configId=number).status_code == 400
    assert {config["name"] for config in get(filled, "score-configs")["data"]} == {
        "grade",
        "verdict",
    }
    assert get(filled, f"score-configs/{label}")["categories"][0]["label"] == "good"
    assert get(filled, "score-configs", toTimestamp="2020-01-01")["data"] == []
    assert len(get(filled, "score-configs", fromTimestamp="2020-01-01")["data"]) == 2
    assert get(filled, "score-configs", 400, fromTimestamp="2024/01/01")
    missing = get(filled, "score-configs/none", 404)
    assert missing["message"] == "Score config not found within authorized project"
    wrong = filled.post(f"{PUBLIC}/score-configs", json={"name": "n", "dataType": "CATEGORICAL"})
    assert wrong.status_code == 400


def test_a_score_has_the_fields_of_its_type(filled: FlaskClient) -> None:
    """A text has no number, and the first version has no corrections."""
    text = get(filled, "v2/scores/q5")
    assert "value" not in text
    assert text["stringValue"] == "w"
    assert text["executionTraceId"] is None
    body = {"traceId": "t0", "name": "x", "value": "better", "dataType": "CORRECTION"}
    made = filled.post(f"{PUBLIC}/scores", json=body).get_json()["id"]
    assert made in ids(get(filled, "v2/scores"))
    assert made not in ids(get(filled, "scores"))
    assert get(filled, f"scores/{made}", 404)
    assert get(filled, f"v2/scores/{made}")["id"] == made
    assert made not in [score["id"] for score in get(filled, "traces/t0")["scores"]]


def test_a_source_is_what_clients_may_name(filled: FlaskClient) -> None:
    body = {"traceId": "t0", "name": "x", "value": 1}
    for more in ({"source": "EVAL"}, {"source": "ANNOTATION"}):
        assert filled.post(f"{PUBLIC}/scores", json={**body, **more}).status_code == 400, more
    correction = {"value": "better", "dataType": "CORRECTION", "source": "ANNOTATION"}
    assert filled.post(f"{PUBLIC}/scores", json={**body, **correction}).status_code == 200


@pytest.mark.parametrize(
    ("data_type", "fields"),
    [
        ("BOOLEAN", {"categories": [{"label": "True", "value": 1}]}),
        ("NUMERIC", {"categories": [{"label": "a", "value": 1}]}),
        ("CATEGORICAL", {"categories": [{"label": "a", "value": 1}], "minValue": 1}),
        ("TEXT", {"maxValue": 1}),
        ("NUMERIC", {"minValue": 1, "maxValue": 1}),
    ],
)
def test_a_config_has_only_the_fields_of_its_type(
    filled: FlaskClient, data_type: str, fields: Any
) -> None:
    body = {"name": "n", "dataType": data_type}
    answer = filled.post(f"{PUBLIC}/score-configs", json={**body, **fields})
    assert answer.status_code == 400, answer.text
    categories = {"categories": [{"label": "a", "value": 1}]} if data_type == "CATEGORICAL" else {}
    made = filled.post(f"{PUBLIC}/score-configs", json={**body, **categories}).get_json()
    wrong = {name: value for name, value in fields.items() if name not in categories}
    path = f"{PUBLIC}/score-configs/{made['id']}"
    assert filled.patch(path, json=wrong).status_code == 400
    assert filled.patch(path, json={}).status_code == 400
    assert filled.patch(path, json={"description": "d"}).get_json()["description"] == "d"
