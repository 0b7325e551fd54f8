"""Langfuse's ingestion API over HTTP, on a real database: the rows that events become."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.support.langfuse.events import T, event, ingest, post_events


def trace(client: FlaskClient, trace_id: str = "t") -> Any:
    return client.get(f"/api/v1/traces/{trace_id}").get_json()


def span(client: FlaskClient, span_id: str, trace_id: str = "t") -> Any:
    answer = client.get(f"/api/v1/traces/{trace_id}/spans/{span_id}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_a_trace_with_a_nested_generation_is_stored(client: FlaskClient) -> None:
    ingest(
        client,
        event(
            "trace-create",
            id="t",
            name="chat",
            userId="u",
            sessionId="s",
            tags=["b", "a"],
            metadata={"k": 1},
            environment="Langfuse-Prod",
            release="r1",
            version="v1",
            public=True,
            input={"q": "hi"},
            timestamp=T.format(0),
        ),
        event("span-create", 1, id="a", traceId="t", name="outer", startTime=T.format(1)),
        event(
            "generation-create",
            2,
            id="b",
            traceId="t",
            parentObservationId="a",
            name="llm",
            startTime=T.format(2),
            completionStartTime=T.format(3),
            model="gpt-4o",
            modelParameters={"temperature": 0.2},
            input=[{"role": "user", "content": "hi"}],
            promptName="p",
            promptVersion=3,
        ),
        event(
            "generation-update",
            4,
            id="b",
            traceId="t",
            output="hello",
            endTime=T.format(4),
            usageDetails={"input": 10, "output": 5, "input_cached_tokens": 4},
            level="WARNING",
            statusMessage="slow",
        ),
        event("span-update", 5, id="a", traceId="t", endTime=T.format(5)),
        event("event-create", 3, id="e", traceId="t", parentObservationId="b", name="note"),
    )
    stored = trace(client)
    assert (stored["name"], stored["user_id"], stored["session_id"]) == ("chat", "u", "s")
    assert (stored["tags"], stored["metadata"], stored["environment"]) == (
        ["a", "b"],
        {"k": 1},
        "prod",
    )
    assert (stored["public"], stored["input"], stored["status"]) == (True, {"q": "hi"}, "completed")
    assert stored["kinds"] == {"span": 1, "generation": 1, "event": 1}
    generation = span(client, "b")
    assert generation["parent_id"] == "a"
    assert generation["usage"] == {"input": 10, "output": 5, "cache_read": 4}
    assert (generation["level"], generation["status_message"]) == ("warning", "slow")
    assert (generation["model"], generation["model_parameters"]) == ("gpt-4o", {"temperature": 0.2})
    assert generation["duration_ms"] == 2000
    assert generation["completion_start_time"] == "2026-01-01T00:00:03.000000Z"
    assert (generation["prompt_name"], generation["prompt_version"]) == ("p", 3)
    assert generation["total_cost"] > 0
    assert span(client, "e")["duration_ms"] == 0


@pytest.mark.parametrize(
    "kind", ["agent", "tool", "chain", "retriever", "evaluator", "embedding", "guardrail"]
)
def test_every_type_has_its_own_create(client: FlaskClient, kind: str) -> None:
    ingest(client, event(f"{kind}-create", id="a", traceId="t"))
    assert span(client, "a")["kind"] == kind


def test_the_oldest_events_name_the_type_in_the_body(client: FlaskClient) -> None:
    ingest(
        client,
        event("observation-create", id="a", traceId="t", type="GENERATION", name="x"),
        event("observation-update", 1, id="a", traceId="t", type="GENERATION", output=1),
    )
    stored = span(client, "a")
    assert (stored["kind"], stored["name"], stored["output"]) == ("generation", "x", 1)


def test_an_update_may_arrive_before_its_create_and_without_a_trace(client: FlaskClient) -> None:
    ingest(client, event("span-create", id="a", traceId="t", name="n", input="in"))
    ingest(client, event("span-update", 3, id="a", output="out", endTime=T.format(3)))
    stored = span(client, "a")
    assert (stored["name"], stored["input"], stored["output"]) == ("n", "in", "out")


def test_an_observation_without_a_trace_has_a_trace_of_its_own_id(client: FlaskClient) -> None:
    ingest(client, event("generation-create", id="alone", name="n"))
    assert span(client, "alone", "alone")["name"] == "n"
    assert trace(client, "alone")["name"] == "n"


def test_null_clears_a_field_but_not_a_text_and_an_absent_field_is_kept(
    client: FlaskClient,
) -> None:
    ingest(
        client,
        event("span-create", id="a", traceId="t", name="n", statusMessage="m", input="in"),
        event("span-update", 1, id="a", traceId="t", statusMessage=None, input=None),
    )
    stored = span(client, "a")
    assert (stored["name"], stored["status_message"], stored["input"]) == ("n", None, "in")


def test_metadata_is_merged_deeply_and_tags_unite(client: FlaskClient) -> None:
    ingest(
        client,
        event("trace-create", 2, id="t", tags=["b"], metadata={"x": {"two": 2, "both": "new"}}),
        event("trace-create", 1, id="t", tags=["a", 7], metadata={"x": {"one": 1, "both": "old"}}),
        event("span-create", 1, id="a", traceId="t", metadata={"x": {"y": {"z": 1}}}),
        event("span-update", 2, id="a", traceId="t", metadata={"x": {"y": {"w": 2}}, "v": [1]}),
        event("span-create", 3, id="b", traceId="t", metadata="plain"),
    )
    assert trace(client)["metadata"] == {"x": {"one": 1, "two": 2, "both": "new"}}
    assert trace(client)["tags"] == ["7", "a", "b"]
    assert span(client, "a")["metadata"] == {"x": {"y": {"z": 1, "w": 2}}, "v": [1]}
    assert span(client, "b")["metadata"] == {"metadata": "plain"}


def test_the_first_time_and_environment_are_kept(client: FlaskClient) -> None:
    ingest(
        client,
        event("trace-create", 2, id="t", timestamp=T.format(2), environment="late"),
        event("trace-create", 1, id="t", timestamp=T.format(1), environment="early"),
        event("span-create", 3, id="a", traceId="t", startTime=T.format(3)),
        event("span-update", 4, id="a", traceId="t", startTime=T.format(4)),
    )
    assert trace(client)["environment"] == "early"
    assert trace(client)["start_time"] == "2026-01-01T00:00:01.000000Z"
    assert span(client, "a")["start_time"] == "2026-01-01T00:00:03.000000Z"


def test_a_batch_that_is_sent_again_changes_nothing(client: FlaskClient) -> None:
    events = [
        event("trace-create", id="t", name="n", metadata={"a": {"b": 1}}),
        event("generation-create", id="g", traceId="t", usage={"input": 3, "output": 4}),
        event("score-create", traceId="t", name="good", value=1),
    ]
    ingest(client, *events)
    before = trace(client), span(client, "g"), client.get("/api/v1/traces/t/scores").get_json()
    ingest(client, *events)
    after = trace(client), span(client, "g"), client.get("/api/v1/traces/t/scores").get_json()
    assert after == before
    assert len(after[2]["data"]) == 1


def test_invalid_events_are_refused_one_by_one(client: FlaskClient) -> None:
    result = post_events(
        client,
        event("trace-create", event_id="no-id", name="n"),
        event("span-create", event_id="no-span-id", traceId="t"),
        event("score-create", event_id="no-target", name="s", value=1),
        event(
            "score-create", event_id="wrong", traceId="t", name="s", value="x", dataType="NUMERIC"
        ),
        event(
            "score-create", event_id="boolean", traceId="t", name="s", value=2, dataType="BOOLEAN"
        ),
        event("dataset-run-item-create", event_id="internal", id="x"),
        event("span-create", event_id="level", id="a", traceId="t", level="LOUD"),
        {"id": "late", "timestamp": "yesterday", "type": "trace-create", "body": {"id": "t"}},
        {"type": "trace-create"},
        7,
        event("sdk-log", event_id="log", log="x"),
        event("span-create", event_id="good", id="ok", traceId="t"),
    )
    assert result["successes"] == [{"id": "good", "status": 201}]
    errors = {error["id"]: error for error in result["errors"]}
    assert errors["no-id"]["error"] == "body.id: expected an id, got nothing"
    assert errors["no-span-id"]["error"] == "body.id: expected an id, got nothing"
    assert "one of traceId, sessionId" in errors["no-target"]["error"]
    assert "finite number" in errors["wrong"]["error"]
    assert "body.level" in errors["level"]["error"]
    assert "dataset-run-item-create" in errors["internal"]["error"]
    assert {error["status"] for error in result["errors"]} == {400}
    assert sorted(error["id"] for error in result["errors"]).count("unknown") == 2
    assert len(result["errors"]) == 10


def test_scores_of_every_type_are_stored(client: FlaskClient) -> None:
    ingest(
        client,
        event("score-create", 1, id="n", traceId="t", name="number", value=0.5, comment="c"),
        event("score-create", 2, id="c", traceId="t", name="label", value="good"),
        event("score-create", 3, id="b", traceId="t", name="flag", value=1, dataType="BOOLEAN"),
        event("score-create", 4, id="x", traceId="t", name="text", value="ab", dataType="TEXT"),
        event("score-create", 5, id="s", sessionId="s", name="session", value=2),
        event("score-create", 6, id="o", traceId="t", observationId="a", name="span", value=3),
        event("score-create", 7, id="k", traceId="t", name="y", value="z", dataType="CORRECTION"),
    )
    scores = {
        score["id"]: score for score in client.get("/api/v1/traces/t/scores").get_json()["data"]
    }
    assert (scores["n"]["value"], scores["n"]["comment"]) == (0.5, "c")
    assert (scores["c"]["data_type"], scores["c"]["value"]) == ("categorical", "good")
    assert scores["b"]["value"] is True
    assert scores["x"]["data_type"] == "text"
    assert scores["o"]["span_id"] == "a"
    assert (scores["k"]["data_type"], scores["k"]["name"]) == ("correction", "output")
    assert client.get("/api/v1/sessions/s/scores").get_json()["data"][0]["value"] == 2


@pytest.mark.parametrize(
    ("usage", "wanted"),
    [
        ({"input": 3, "output": 4, "total": 7, "unit": "TOKENS"}, {"input": 3, "output": 4}),
        ({"promptTokens": 3, "completionTokens": 4}, {"input": 3, "output": 4}),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 15,
                "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": None},
            },
            {"input": 6, "output": 5, "cache_read": 4},
        ),
        ({"input": "3", "other": -1, "x": None}, {"input": 3}),
    ],
)
def test_usage_is_read_in_every_form_of_the_sdks(
    client: FlaskClient, usage: dict[str, Any], wanted: dict[str, int]
) -> None:
    ingest(client, event("generation-create", id="g", traceId="t", usage=usage))
    got = {name: n for name, n in span(client, "g")["usage"].items() if n}
    assert got == wanted


def test_counts_that_are_none_are_left_out_and_named(client: FlaskClient) -> None:
    ingest(
        client,
        event("generation-create", id="g", traceId="t", usageDetails={"input": 3, "key": 0.1}),
        event("generation-create", id="h", traceId="t", usageDetails={"output": 2.5}),
    )
    assert span(client, "g")["usage"] == {"input": 3}
    assert span(client, "g")["notes"]["usage"] == {"ignored": ["key"]}
    assert not span(client, "h")["usage"]
    assert span(client, "h")["notes"]["usage"] == {"ignored": ["output"]}


def test_an_event_id_with_a_carriage_return_is_refused(client: FlaskClient) -> None:
    sent = event("trace-create", id="t") | {"id": "a\rb"}
    [error] = client.post("/api/public/ingestion", json={"batch": [sent]}).get_json()["errors"]
    assert (error["status"], error["message"]) == (400, "Invalid request data")
    assert "ID cannot contain carriage return characters" in error["error"]


def test_a_given_cost_is_kept(client: FlaskClient) -> None:
    ingest(
        client,
        event("generation-create", id="g", traceId="t", usage={"input": 1, "totalCost": 0.25}),
        event("generation-create", id="h", traceId="t", costDetails={"input": 1, "output": 2}),
    )
    assert span(client, "g")["cost"] == {"total": 0.25}
    assert span(client, "h")["total_cost"] == 3


def test_a_body_that_is_no_batch_is_refused(client: FlaskClient) -> None:
    answer = client.post("/api/public/ingestion", json={"events": []})
    assert answer.status_code == 400
    assert answer.get_json()["message"] == "Invalid request data"
    assert answer.get_json()["error"][0]["path"] == ["batch"]
    answer = client.post("/api/public/ingestion", json={"batch": []}, auth=("pk", "sk"))
    assert answer.status_code == 401
    assert "message" in answer.get_json()


def test_single_objects_of_the_oldest_clients_are_accepted(client: FlaskClient) -> None:
    made = client.post("/api/public/traces", json={"name": "old"}).get_json()["id"]
    assert trace(client, made)["name"] == "old"
    for noun in ("spans", "generations", "events"):
        body = {"traceId": made, "name": noun, "startTime": T.format(1)}
        got = client.post(f"/api/public/{noun}", json=body).get_json()["id"]
        assert span(client, got, made)["kind"] == noun[:-1]
    sent = {"id": "g", "traceId": made, "startTime": T.format(1)}
    client.post("/api/public/generations", json=sent)
    body = {"generationId": "g", "endTime": T.format(2), "usage": {"promptTokens": 5}}
    answer = client.patch("/api/public/generations", json=body)
    assert (answer.status_code, answer.get_json()) == (200, {"id": "g"})
    assert span(client, "g", made)["usage"] == {"input": 5}
    answer = client.patch("/api/public/spans", json={"name": "n"})
    assert answer.status_code == 400
    assert answer.get_json()["error"][0]["path"] == ["id"]


OTLP = {
    "resourceSpans": [
        {
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "0af7651916cd43dd8448eb211c80319c",
                            "spanId": "b7ad6b7169203331",
                            "startTimeUnixNano": "1767225600000000000",
                            "endTimeUnixNano": "1767225601000000000",
                            "name": "n",
                        }
                    ]
                }
            ]
        }
    ]
}
OTEL = "/api/public/otel/v1/traces"


def test_otlp_is_accepted_at_langfuses_path(client: FlaskClient) -> None:
    answer = client.post(OTEL, json=OTLP, headers={"x-langfuse-ingestion-version": "4"})
    assert (answer.status_code, answer.data) == (200, b"{}")
    assert trace(client, "0af7651916cd43dd8448eb211c80319c")["name"] == "n"
    proto = ExportTraceServiceRequest()
    body = gzip.compress(proto.SerializeToString())
    answer = client.post(
        OTEL, data=body, content_type="application/x-protobuf", headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 200
    ExportTraceServiceResponse.FromString(answer.data)


@pytest.mark.parametrize("sent", ["5", "four", "-1"])
def test_an_unknown_version_of_ingestion_is_refused(client: FlaskClient, sent: str) -> None:
    answer = client.post(OTEL, json=OTLP, headers={"x-langfuse-ingestion-version": sent})
    assert answer.status_code == 400
    assert "x-langfuse-ingestion-version" in answer.get_json()["message"]


def test_metrics_are_accepted_and_ignored(client: FlaskClient) -> None:
    for content_type in ("application/json", "application/x-protobuf"):
        answer = client.post("/api/public/otel/v1/metrics", data=b"{}", content_type=content_type)
        assert (answer.status_code, answer.content_type) == (200, content_type)


def test_a_route_that_is_not_served_has_langfuses_error(client: FlaskClient) -> None:
    answer = client.get("/api/public/no-such-route")
    assert (answer.status_code, answer.get_json()["error"]) == (404, "LangfuseNotFoundError")
    assert client.get("/api/public/ingestion").status_code == 405
