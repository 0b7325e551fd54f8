"""Langfuse's read API over HTTP, on a real database: groups, filters, pages, cursors, errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.langfuse.events import T, event, ingest
from tests.support.langfuse.reads import PUBLIC, filter_condition, get, ids


def test_traces_are_listed_newest_first_with_all_groups(filled: FlaskClient) -> None:
    page = get(filled, "traces")
    assert ids(page) == ["t2", "t1", "t0"]
    assert page["meta"] == {"page": 1, "limit": 50, "totalItems": 3, "totalPages": 1}
    first = page["data"][2]
    assert first["timestamp"] == "2026-01-01T00:00:00.000Z"
    assert first["observations"] == ["outer", "llm"]
    assert first["scores"] == ["q2", "q1"]
    assert (first["latency"], first["totalCost"]) == (5.0, 0.03)
    assert first["htmlPath"] == "/project/default/traces/t0"
    root = {"long": "x" * 300, "number": 5}
    assert first["metadata"] == {"n": "0", "deep": {"k": 0}, **root}
    assert first["input"] == {"question": 0}
    assert (first["userId"], first["sessionId"], first["environment"]) == ("u0", "s", "dev")


def test_fields_that_are_not_requested_are_sentinels(filled: FlaskClient) -> None:
    trace = get(filled, "traces", fields="core,unknown")["data"][2]
    assert (trace["input"], trace["output"], trace["metadata"]) == (None, None, {})
    assert (trace["observations"], trace["scores"]) == ([], [])
    assert (trace["latency"], trace["totalCost"]) == (-1, -1)
    assert trace["name"] == "name0"
    for path in ("traces/t0", "traces"):
        # As if none was named.
        assert get(filled, path, fields="odd") == get(filled, path)
    whole = get(filled, "traces/t0", fields="core,observations")
    assert [observation["id"] for observation in whole["observations"]] == ["outer", "llm"]
    assert (whole["scores"], whole["latency"], whole["input"]) == ([], -1, None)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"limit": 2}, ["t2", "t1"]),
        ({"limit": 2, "page": 2}, ["t0"]),
        ({"userId": "u1"}, ["t1"]),
        ({"name": "name0"}, ["t2", "t0"]),
        ({"sessionId": "s"}, ["t1", "t0"]),
        ({"fromTimestamp": T.format(10)}, ["t2", "t1"]),
        ({"toTimestamp": T.format(10)}, ["t0"]),
        ({"tags": ["all", "tag1"]}, ["t1"]),
        ({"tags": "all"}, ["t2", "t1", "t0"]),
        ({"environment": ["dev", "prod"]}, ["t2", "t1", "t0"]),
        ({"environment": "dev"}, ["t0"]),
        ({"release": "r", "version": "v", "orderBy": "timestamp.asc"}, ["t0", "t1", "t2"]),
        ({"orderBy": "userId.desc"}, ["t2", "t1", "t0"]),
    ],
)
def test_traces_are_filtered_sorted_and_paged(
    filled: FlaskClient, query: dict[str, Any], wanted: list[str]
) -> None:
    assert ids(get(filled, "traces", **query)) == wanted


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        (filter_condition("string", "name", "=", "name1"), ["t1"]),
        (filter_condition("string", "name", "contains", "ME1"), []),
        (filter_condition("string", "userId", "ends with", "2"), ["t2"]),
        (filter_condition("string", "userId", "does not contain", "2"), ["t1", "t0"]),
        (filter_condition("stringOptions", "id", "any of", ["t0", "t2"]), ["t2", "t0"]),
        (filter_condition("stringOptions", "sessionId", "none of", ["s"]), ["t2"]),
        (filter_condition("arrayOptions", "tags", "any of", ["tag0", "tag1"]), ["t1", "t0"]),
        (filter_condition("arrayOptions", "tags", "none of", ["tag0", "tag1"]), ["t2"]),
        (filter_condition("arrayOptions", "tags", "all of", ["all", "tag2"]), ["t2"]),
        (filter_condition("datetime", "timestamp", ">=", T.format(20)), ["t2"]),
        (filter_condition("number", "latency", ">", 1), ["t0"]),
        (filter_condition("number", "totalCost", "<=", 0.03), ["t0"]),
        (filter_condition("number", "inputCost", "=", 0.01), ["t0"]),
        (filter_condition("number", "outputCost", ">", 0.01), ["t0"]),
        (filter_condition("string", "level", "=", "ERROR"), ["t0"]),
        (filter_condition("stringOptions", "level", "none of", ["ERROR", "WARNING"]), ["t2", "t1"]),
        (filter_condition("number", "errorCount", "=", 1), ["t0"]),
        (filter_condition("number", "defaultCount", ">", 0), ["t0"]),
        (filter_condition("number", "debugCount", ">", 0), []),
        (filter_condition("stringObject", "metadata", "=", "1", "n"), ["t1"]),
        (filter_condition("numberObject", "scores_avg", ">=", 1, "good"), ["t1"]),
        (filter_condition("categoryOptions", "score_categories", "any of", ["yes"], "ok"), ["t0"]),
        (filter_condition("null", "sessionId", "is null", ""), ["t2"]),
        (filter_condition("null", "sessionId", "is not null", ""), ["t1", "t0"]),
    ],
)
def test_the_filter_grammar_is_supported(
    filled: FlaskClient, condition: Any, wanted: list[str]
) -> None:
    page = get(filled, "traces", filter=json.dumps([condition]))
    assert ids(page) == wanted
    assert page["meta"]["totalItems"] == len(wanted)


@pytest.mark.parametrize(
    "sent",
    [
        "not json",
        "{}",
        json.dumps([filter_condition("string", "nothing", "=", "x")]),
        json.dumps([filter_condition("odd", "name", "=", "x")]),
        json.dumps([filter_condition("string", "name", "~", "x")]),
        json.dumps([filter_condition("number", "latency", ">", "x")]),
        json.dumps([filter_condition("datetime", "timestamp", ">", "x")]),
        json.dumps([filter_condition("stringObject", "metadata", "=", "x")]),
    ],
)
def test_an_invalid_filter_is_refused(filled: FlaskClient, sent: str) -> None:
    assert "message" in get(filled, "traces", 400, filter=sent)


def test_a_filter_replaces_the_plain_parameter(filled: FlaskClient) -> None:
    sent = json.dumps([filter_condition("string", "userId", "=", "u2")])
    assert ids(get(filled, "traces", userId="u1", filter=sent)) == ["t2"]


def test_a_trace_comes_with_its_observations_and_scores(filled: FlaskClient) -> None:
    document = get(filled, "traces/t0")
    assert [observation["id"] for observation in document["observations"]] == ["outer", "llm"]
    generation = document["observations"][1]
    assert generation["type"] == "GENERATION"
    assert generation["parentObservationId"] == "outer"
    assert generation["usageDetails"] == {
        "input": 10,
        "output": 5,
        "input_cached_tokens": 2,
        "total": 17,
    }
    assert generation["costDetails"] == {"input": 0.01, "output": 0.02, "total": 0.03}
    usage = generation["usage"]
    assert (usage["input"], usage["output"], usage["total"], usage["unit"]) == (12, 5, 17, "TOKENS")
    assert generation["calculatedTotalCost"] == 0.03
    assert (generation["latency"], generation["timeToFirstToken"]) == (2.0, 1.0)
    assert (generation["level"], generation["version"]) == ("ERROR", "own")
    assert generation["input"] == [{"role": "user", "content": "hi"}]
    assert {score["id"] for score in document["scores"]} == {"q1", "q2"}


def test_a_missing_object_has_the_error_name_that_sdks_expect(filled: FlaskClient) -> None:
    for path in ("traces/x", "observations/x", "sessions/x", "scores/x", "v2/scores/x"):
        error = get(filled, path, 404)
        assert error["error"] == "LangfuseNotFoundError"
        assert "x" in error["message"]


def test_observations_of_the_first_version(filled: FlaskClient) -> None:
    assert ids(get(filled, "observations")) == ["llm", "outer"]
    for query, wanted in (
        ({"type": "GENERATION"}, ["llm"]),
        ({"level": "ERROR"}, ["llm"]),
        ({"userId": "u0", "name": "outer"}, ["outer"]),
        ({"parentObservationId": "outer"}, ["llm"]),
        ({"traceId": "t1"}, []),
        ({"fromStartTime": T.format(2)}, ["llm"]),
        ({"toStartTime": T.format(2)}, ["outer"]),
        (
            {"filter": json.dumps([filter_condition("stringOptions", "type", "any of", ["SPAN"])])},
            ["outer"],
        ),
        (
            {"filter": json.dumps([filter_condition("number", "timeToFirstToken", ">", 0.5)])},
            ["llm"],
        ),
        (
            {"filter": json.dumps([filter_condition("string", "input", "contains", "plain")])},
            ["outer"],
        ),
    ):
        assert ids(get(filled, "observations", **query)) == wanted, query
    assert get(filled, "observations/llm")["output"] == "hello"


def test_observations_of_the_second_version_by_groups(filled: FlaskClient) -> None:
    generation, outer = get(filled, "v2/observations")["data"]
    assert set(generation) >= {"id", "traceId", "type", "name", "level", "userId", "modelId"}
    assert generation["modelId"] is None
    assert "input" not in generation
    assert generation["userId"] == "u0"
    assert generation["isRootObservation"] is False
    assert outer["isRootObservation"] is True
    fields = "io,metadata,model,usage,metrics,trace_context,time,prompt"
    generation, outer = get(filled, "v2/observations", fields=fields)["data"]
    assert json.loads(generation["input"]) == [{"role": "user", "content": "hi"}]
    assert outer["input"] == "plain"
    assert outer["metadata"] == {"long": "x" * 200, "number": "5"}
    assert generation["tags"] == ["all", "tag0"]
    assert (generation["model"], generation["latency"]) == ("gpt-4o", 2.0)
    assert generation["totalCost"] == 0.03
    for key in ("long", "another"):
        page = get(filled, "v2/observations", fields="metadata", expandMetadata=key)
        assert page["data"][1]["metadata"]["long"] == "x" * 300
    assert get(filled, "v2/observations", 400, parseIoAsJson="true")


def test_cursors_visit_each_observation_once(filled: FlaskClient) -> None:
    for n in range(7):
        ingest(
            filled, event("span-create", 30, id=f"same{n}", traceId="t2", startTime=T.format(30))
        )
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = get(filled, "v2/observations", limit=2, **cursor)
        seen += ids(page)
        if "cursor" not in page["meta"]:
            break
        cursor = {"cursor": page["meta"]["cursor"]}
    assert sorted(seen) == sorted([f"same{n}" for n in range(7)] + ["llm", "outer"])
    assert get(filled, "v2/observations", 400, cursor="bad")


def test_sessions_are_listed_and_read_with_their_traces(filled: FlaskClient) -> None:
    page = get(filled, "sessions")
    assert page["data"] == [
        {
            "id": "s",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "projectId": "default",
            "environment": "prod",
        }
    ]
    assert get(filled, "sessions", fromTimestamp=T.format(1))["data"] == []
    assert [trace["id"] for trace in get(filled, "sessions/s")["traces"]] == ["t1", "t0"]


def test_health_needs_no_key_and_projects_has_the_project_of_the_key(client: FlaskClient) -> None:
    assert get(client, "health")["status"] == "OK"
    assert get(client, "ready")["status"] == "OK"
    rows = get(client, "projects")["data"]
    assert rows[0]["id"] == "default"
    assert rows[0]["organization"]["id"]


def test_an_invalid_page_is_refused_with_the_name_of_the_parameter(client: FlaskClient) -> None:
    for query in ({"limit": 101}, {"page": 0}, {"fromTimestamp": "x"}, {"orderBy": "odd"}):
        error = get(client, "traces", 400, **query)
        assert error["error"][0]["path"] == [next(iter(query))]


@pytest.mark.parametrize(
    ("key", "position", "expected"),
    [
        ("root", None, {"a0", "b0"}),
        ("first", None, {"a0", "b0"}),
        ("last", None, {"a2", "b1"}),
        ("nthFromStart", 2, {"a1", "b1"}),
        ("nthFromEnd", 2, {"a1", "b0"}),
        ("nthFromStart", 3, {"a2"}),
        ("nthFromEnd", 4, set()),
    ],
)
def test_observations_are_found_by_their_position_in_the_trace(
    client: FlaskClient, key: str, position: int | None, expected: set[str]
) -> None:
    for trace, length in (("a", 3), ("b", 2)):
        for n in range(length):
            parent = {"parentObservationId": f"{trace}0"} if n else {}
            begun = {"id": f"{trace}{n}", "traceId": trace, "startTime": T.format(n), **parent}
            ingest(client, event("span-create", **begun))
    condition = filter_condition("positionInTrace", "positionInTrace", "=", position)
    for path in ("observations", "v2/observations"):
        assert (
            set(ids(get(client, path, filter=json.dumps([{**condition, "key": key}])))) == expected
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "middle"},
        {"key": None},
        {"key": "nthFromStart"},
        {"key": "nthFromStart", "value": 0},
        {"key": "nthFromEnd", "value": "1"},
        {"key": "first", "operator": "<>"},
    ],
)
def test_an_invalid_position_is_refused(client: FlaskClient, wrong: dict[str, Any]) -> None:
    condition = {**filter_condition("positionInTrace", "positionInTrace", "=", None), **wrong}
    assert get(client, "observations", 400, filter=json.dumps([condition]))


def test_comments_are_created_and_read(filled: FlaskClient) -> None:
    def comment(**body: Any) -> Any:
        return filled.post(f"{PUBLIC}/comments", json={"projectId": "x", "content": "c", **body})

    on_trace = comment(objectType="TRACE", objectId="t0", authorUserId="me").get_json()["id"]
    on_span = comment(objectType="OBSERVATION", objectId="llm").get_json()["id"]
    on_session = comment(objectType="SESSION", objectId="s").get_json()["id"]
    assert comment(objectType="TRACE", objectId="none").status_code == 404
    assert comment(objectType="OBSERVATION", objectId="none").status_code == 404
    stored = get(filled, f"comments/{on_trace}")
    assert (stored["objectType"], stored["objectId"], stored["content"]) == ("TRACE", "t0", "c")
    assert ids(get(filled, "comments")) == [on_trace, on_span, on_session]
    created = get(filled, f"comments/{on_span}")["createdAt"]
    assert on_span in ids(get(filled, "comments", fromTimestamp=created))
    assert ids(get(filled, "comments", toTimestamp="2020-01-01")) == []
    assert get(filled, "comments", 400, fromTimestamp="soon")
    assert ids(get(filled, "comments", objectType="OBSERVATION", objectId="llm")) == [on_span]
    assert ids(get(filled, "comments", objectType="TRACE")) == [on_trace]
    assert ids(get(filled, "comments", authorUserId="me")) == [on_trace]
    assert get(filled, "comments", 400, objectId="t0")
    assert get(filled, "comments/none", 404)["error"] == "LangfuseNotFoundError"


def test_traces_are_deleted_whole_and_at_once(filled: FlaskClient) -> None:
    answer = filled.delete(f"{PUBLIC}/traces/t0")
    assert answer.get_json() == {"message": "Trace deleted successfully"}
    assert get(filled, "traces/t0", 404)
    assert ids(get(filled, "observations")) == []
    answer = filled.delete(f"{PUBLIC}/traces", json={"traceIds": ["t1", "t2", "none"]})
    assert answer.status_code == 200
    assert get(filled, "traces")["data"] == []
    assert filled.delete(f"{PUBLIC}/traces/t0").status_code == 200
    assert filled.delete(f"{PUBLIC}/traces", json={"traceIds": []}).status_code == 400


def test_a_url_with_the_trace_id_alone_leads_to_its_page(filled: FlaskClient) -> None:
    answer = filled.get("/trace/t0")
    assert (answer.status_code, answer.location) == (302, "/project/default/traces/t0")
    assert filled.get("/trace/none").status_code == 404


def test_models_are_the_projects_prices_and_the_built_in_list(client: FlaskClient) -> None:
    tier = {
        "name": "large",
        "priority": 1,
        "conditions": [{"usageDetailPattern": "input", "operator": "gt", "value": 1000}],
        "prices": {"input": 0.00002},
    }
    default = {"name": "s", "isDefault": True, "priority": 0, "conditions": []}
    body = {
        "modelName": "ours",
        "matchPattern": "(?i)^(my-model.*)$",
        "unit": "TOKENS",
        "pricingTiers": [{**default, "prices": {"input": 0.00001, "output": 0.00003}}, tier],
    }
    made = client.post(f"{PUBLIC}/models", json=body).get_json()
    assert (made["modelName"], made["isLangfuseManaged"]) == ("ours", False)
    assert made["prices"] == {"input": {"price": 0.00001}, "output": {"price": 0.00003}}
    assert made["pricingTiers"][1]["conditions"][0]["value"] == 1000
    listed = get(client, "models", limit=2)
    assert listed["data"][0]["id"] == made["id"]
    assert listed["data"][1]["isLangfuseManaged"] is True
    built_in = listed["data"][1]["id"]
    assert get(client, f"models/{built_in}")["id"] == built_in
    usage = {"input": 100, "output": 10}
    sent = event("generation-create", id="g", traceId="t", model="my-model-2", usageDetails=usage)
    ingest(client, sent)
    assert get(client, "observations/g")["calculatedTotalCost"] == pytest.approx(0.0013)
    assert client.delete(f"{PUBLIC}/models/{built_in}").status_code == 404
    assert client.put(f"{PUBLIC}/models/{built_in}", json=body).status_code == 404
    assert get(client, "observations/g")["modelId"] == made["id"]
    for model_id in (made["id"], "chosen", "chosen@r1"):
        for name in ("new", "newer"):
            changed = client.put(f"{PUBLIC}/models/{model_id}", json={**body, "modelName": name})
            assert (changed.status_code, changed.get_json()["id"]) == (200, model_id)
            assert get(client, f"models/{model_id}")["modelName"] == name
        assert [row["id"] for row in get(client, "models")["data"]].count(model_id) == 1
        assert client.delete(f"{PUBLIC}/models/{model_id}").status_code == 200
        assert client.delete(f"{PUBLIC}/models/{model_id}").status_code == 404
        assert get(client, f"models/{model_id}", 404)
    plain = {name: value for name, value in body.items() if name != "pricingTiers"}
    for wrong in (
        {**body, "inputPrice": 1},
        {**body, "matchPattern": "^(a|b)$"},
        {**plain, "inputPrice": 0, "totalPrice": 0.1},
    ):
        assert client.post(f"{PUBLIC}/models", json=wrong).status_code == 400


def test_a_bookmark_is_read_and_found(client: FlaskClient) -> None:
    for trace_id in ("t", "u"):
        ingest(
            client,
            event("trace-create", id=trace_id, name="n"),
            event("span-create", id=f"{trace_id}1", traceId=trace_id),
            event("span-create", id=f"{trace_id}2", traceId=trace_id, parentObservationId="t1"),
        )
    assert client.put("/api/v1/traces/t/bookmark").status_code < 300
    assert get(client, "traces/t")["bookmarked"] is True
    marked = {trace["id"]: trace["bookmarked"] for trace in get(client, "traces")["data"]}
    assert marked == {"t": True, "u": False}
    condition = json.dumps(
        [{"type": "boolean", "column": "bookmarked", "operator": "=", "value": True}]
    )
    assert [trace["id"] for trace in get(client, "traces", filter=condition)["data"]] == ["t"]
    ordered = get(client, "traces", orderBy="bookmarked.desc")["data"]
    assert [trace["id"] for trace in ordered] == ["t", "u"]
    rows = get(client, "v2/observations", fields="basic")["data"]
    assert [trace["id"] for trace in rows if trace["bookmarked"]] == ["t1"]


def priced(client: FlaskClient, name: str, **fields: Any) -> tuple[Any, Any]:
    """Return a generation from both versions of the API."""
    times = {"startTime": T.format(1), "endTime": T.format(2)}
    ingest(client, event("generation-create", id=name, traceId="p", name=name, **times, **fields))
    page = get(client, "v2/observations", name=name, fields="model,usage")
    return get(client, f"observations/{name}"), page["data"][0]


def test_an_observation_names_the_price_that_applied(client: FlaskClient) -> None:
    usage = {"input": 1000, "output": 10}
    first, second = priced(client, "listed", model="gpt-4o", usageDetails=usage)
    assert (
        first["modelId"] == second["modelId"] == second["internalModelId"] == "list:openai:gpt-4o"
    )
    model = get(client, f"models/{first['modelId']}")
    assert (first["inputPrice"], first["outputPrice"]) == (0.0000025, 0.00001)
    assert (model["inputPrice"], model["outputPrice"]) == (0.0000025, 0.00001)
    assert (second["inputPrice"], second["outputPrice"]) == ("0.0000025", "0.00001")
    assert (second["totalPrice"], second["usagePricingTierName"]) == (None, "Standard")

    own = {
        "modelName": "ours",
        "matchPattern": "(?i)^(ours)$",
        "pricingTiers": [
            {"name": "Standard", "isDefault": True, "priority": 0, "prices": {"input": 1e-7}},
            {
                "name": "long",
                "priority": 1,
                "conditions": [{"usageDetailPattern": "input", "operator": "gt", "value": 500}],
                "prices": {"input": 2e-7},
            },
        ],
    }
    answer = client.post(f"{PUBLIC}/models", json=own)
    assert answer.status_code == 200, answer.text
    for name, tokens, price, tier in (
        ("short", 500, "0.0000001", "Standard"),
        ("long", 501, "0.0000002", "more than 500"),
    ):
        first, second = priced(client, name, model="ours", usageDetails={"input": tokens})
        assert first["modelId"] == second["modelId"] == answer.get_json()["id"]
        assert (second["inputPrice"], second["usagePricingTierName"]) == (price, tier)
        assert second["costDetails"]["input"] == pytest.approx(float(price) * tokens)


def test_an_observation_with_a_given_cost_names_no_price(client: FlaskClient) -> None:
    fields = {"usageDetails": {"input": 1}, "costDetails": {"input": 0.5}}
    first, second = priced(client, "sent", model="gpt-4o", **fields)
    assert (first["modelId"], first["inputPrice"]) == (None, None)
    assert (second["modelId"], second["inputPrice"]) == (None, None)
