"""Filters of Langfuse's lists and metrics: no combination fails, and each finds what it names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from tests.support.langfuse.events import T, event, ingest
from tests.support.langfuse.reads import PUBLIC, TIME_RANGE, filter_condition, get, ids
from tracer.api.langfuse.filters import OPERATORS
from tracer.api.langfuse.library import experiments, prompts
from tracer.api.langfuse.metrics import SCORE_DIMENSIONS, VIEWS
from tracer.api.langfuse.scores import scores
from tracer.api.langfuse.traces import observations, traces

SINCE: Final = {"fromStartTime": "2020-01-01T00:00:00Z"}
LISTS: Final[dict[str, Any]] = {
    "traces": traces.COLUMNS,
    "observations": observations.COLUMNS,
    "v2/observations": observations.COLUMNS,
    "scores": scores.COLUMNS,
    "v2/scores": scores.COLUMNS,
    "experiments": experiments.COLUMNS,
    "experiment-items": experiments.ITEM_COLUMNS,
    "v2/prompts": prompts.COLUMNS,
}
METRICS: Final[dict[str, Any]] = {
    **{view: columns for view, (_, columns) in VIEWS.items()},
    "scores-numeric": SCORE_DIMENSIONS,
}
ALL_OPERATORS: Final = [*sorted({name for names in OPERATORS.values() for name in names}), "~"]
FITTING: Final = {
    "datetime": T.format(1),
    "string": "good",
    "number": 1,
    "stringOptions": ["GENERATION", "t0"],
    "categoryOptions": ["yes"],
    "arrayOptions": ["all"],
    "stringObject": "1",
    "numberObject": 0.5,
    "booleanObject": True,
    "boolean": True,
    "null": "",
    "positionInTrace": 2,
}
"""By type of a condition, a value that it has."""
HOSTILE: Final = (
    *(None, True, "", "x%_\\", "2026-02-30", "10:00", "\x00", "ü" * 2000),
    *(0, -1, 10**30, 10**400, 2**31, 1e308, -0.0, 1e-320),
    *([], [None], [1, 2.5], ["a", 1], [True], ["\x00"], [[]], [10**30], {}, {"a": [1]}),
)
KEYS: Final = (None, "", "good", "n", "root", "nthFromEnd", "a\x00b", "'); --", "deep.k", "1" * 900)
COMBINATIONS: Final = 32_400


def combinations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (list or view of metrics, condition): every column, type and operator, twice."""
    number = 0
    for path, columns in {**LISTS, **METRICS}.items():
        for column, kind, operator in product((*columns, "odd"), OPERATORS, ALL_OPERATORS):
            for value in (FITTING[kind], HOSTILE[number % len(HOSTILE)]):
                key = KEYS[number % len(KEYS)]
                yield path, filter_condition(kind, column, operator, value, key)
                number += 1


def status_of(client: FlaskClient, path: str, condition: dict[str, Any]) -> int:
    """Return the status of a list or a metrics query with one condition."""
    if path in LISTS:
        query = {**SINCE, "filter": json.dumps([condition])}
        response = client.get(f"{PUBLIC}/{path}", query_string=query)
    else:
        metrics = [{"measure": "count", "aggregation": "count"}]
        query = {**TIME_RANGE, "view": path, "metrics": metrics, "filters": [condition]}
        response = client.get(f"{PUBLIC}/metrics", query_string={"query": json.dumps(query)})
    if response.status_code == 400:
        assert len(response.get_json()["error"]) == 1 or response.get_json()["message"]
    return response.status_code


def check(client: FlaskClient, step: int) -> dict[int, int]:
    """Send every ``step``-th combination; return how often each status was answered."""
    seen: dict[int, int] = {}
    for number, (path, condition) in enumerate(combinations()):
        if number % step == 0:
            status = status_of(client, path, condition)
            assert status in (200, 400), (path, condition, status)
            seen[status] = seen.get(status, 0) + 1
    return seen


def test_no_filter_of_a_sample_makes_the_server_fail(filled: FlaskClient) -> None:
    seen = check(filled, 107)
    assert min(seen.values()) > 30
    assert sum(seen.values()) > 500


@pytest.mark.slow
def test_no_filter_of_every_column_type_and_operator_makes_the_server_fail(
    filled: FlaskClient,
) -> None:
    seen = check(filled, 1)
    assert sum(seen.values()) >= COMBINATIONS
    assert seen[200] > 2_000


@pytest.mark.parametrize("path", [*LISTS, "metrics/daily", "sessions", "v3/scores", "models"])
def test_no_page_order_or_time_makes_the_server_fail(filled: FlaskClient, path: str) -> None:
    values = ("0", "-1", "1", "x", "1000000", "1e400", str(10**30), "", "1.5", "NaN", "\x00")
    orders = ("id.asc", "bookmarked.DESC", "metadata.asc", "id", ".", "scores_avg.asc")
    times = ("2026-01-01", "2026-01-01T24:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T24:00Z")
    queries = [
        *[{name: value} for name in ("page", "limit", "cursor", "value") for value in values],
        *[{"orderBy": order} for order in orders],
        *[{name: time} for name in ("fromTimestamp", "toStartTime") for time in times],
    ]
    statuses = set()
    for query in queries:
        response = filled.get(f"{PUBLIC}/{path}", query_string={**query})
        assert response.status_code in (200, 400), (query, response.text)
        statuses.add(response.status_code)
    assert statuses


@pytest.mark.parametrize("operator", ["contains", "does not contain", "starts with", "matches"])
@pytest.mark.parametrize("path", ["traces", "v2/scores", "v2/observations", "metrics"])
def test_metadata_is_searched_for_text(client: FlaskClient, path: str, operator: str) -> None:
    ingest(
        client,
        event("trace-create", id="t", name="n", metadata={"a": "bcd"}),
        event("span-create", id="s", traceId="t", metadata={"a": "bcd"}),
        event("score-create", id="q", traceId="t", name="n", value=1, metadata={"a": "bcd"}),
    )
    condition = filter_condition("stringObject", "metadata", operator, "bc", "a")
    if path == "metrics":
        metrics = [{"measure": "count", "aggregation": "count"}]
        query = {**TIME_RANGE, "view": "traces", "metrics": metrics, "filters": [condition]}
        [row] = get(client, path, query=json.dumps(query))["data"]
        number = row["count_count"]
    else:
        number = len(get(client, path, filter=json.dumps([condition]))["data"])
    assert number == (0 if operator == "does not contain" else 1)


@pytest.mark.parametrize(
    ("path", "condition"),
    [
        ("traces", filter_condition("number", "latency", "contains", 1)),
        ("observations", filter_condition("string", "positionInTrace", "=", "x", "k")),
        ("v2/observations", filter_condition("number", "toolCalls", "any of", [1])),
        ("traces", filter_condition("stringOptions", "name", "any of", "no list")),
        ("traces", filter_condition("boolean", "bookmarked", "=", 1)),
        ("traces", filter_condition("string", "metadata", "=", "x")),
    ],
)
def test_a_filter_that_does_not_fit_its_column_is_refused_by_name(
    filled: FlaskClient, path: str, condition: Any
) -> None:
    error = get(filled, path, 400, filter=json.dumps([condition]))
    assert condition["column"] in str(error) or "position" in str(error)


def test_a_number_beyond_every_integer_finds_nothing(filled: FlaskClient) -> None:
    condition = filter_condition("number", "totalTokens", ">", 10**30)
    assert ids(get(filled, "traces", filter=json.dumps([condition]))) == []


@pytest.mark.parametrize(
    ("path", "condition", "wanted"),
    [
        ("traces", filter_condition("string", "Name", "=", "name1"), ["t1"]),
        ("traces", filter_condition("number", "Latency (s)", ">", 1), ["t0"]),
        ("traces", filter_condition("number", "tokens", ">", 1), ["t0"]),
        ("traces", filter_condition("number", "scores", ">=", 1), ["t1"]),
        ("traces", filter_condition("number", "scores_avg", "<", 1), ["t0"]),
        ("traces", filter_condition("string", "traceEnvironment", "=", "dev"), ["t0"]),
        ("traces", filter_condition("string", "traceName", "=", "name1"), ["t1"]),
        ("traces", filter_condition("string", "level", "contains", "ERR"), ["t0"]),
        ("traces", filter_condition("numberObject", "metadata", ">", 0, "n"), ["t2", "t1"]),
        ("traces", filter_condition("stringObject", "metadata", "is not set", "", "n"), []),
        ("traces", filter_condition("categoryOptions", "metadata", "any of", ["1"], "n"), ["t1"]),
        (
            "v2/observations",
            filter_condition("stringObject", "metadata", "is set", "", "long"),
            ["outer"],
        ),
        (
            "observations",
            filter_condition("stringObject", "metadata", "is not set", "", "long"),
            ["llm"],
        ),
        ("observations", filter_condition("string", "type", "contains", "GENER"), ["llm"]),
        ("observations", filter_condition("string", "Type", "does not contain", "SPAN"), ["llm"]),
        ("observations", filter_condition("numberObject", "metadata", "=", 5, "number"), ["outer"]),
        ("observations", filter_condition("string", "level", "starts with", "err"), ["llm"]),
        (
            "v2/observations",
            filter_condition("categoryOptions", "score_categories", "any of", ["yes"], "ok"),
            ["llm"],
        ),
        ("v2/scores", filter_condition("string", "source", "=", "api"), ["q5", "q4", "q3"]),
        ("v2/scores", filter_condition("string", "dataType", "contains", "BOOL"), ["q4"]),
        ("v2/scores", filter_condition("string", "Trace Name", "=", "name1"), ["q5", "q3"]),
    ],
)
def test_columns_have_the_names_and_operators_that_langfuse_documents(
    filled: FlaskClient, path: str, condition: Any, wanted: list[str]
) -> None:
    page = get(filled, path, filter=json.dumps([condition]))
    assert ids(page)[: len(wanted)] == wanted
    assert len(ids(page)) == len(wanted) or condition["column"] == "source"


def test_input_and_output_are_compared_as_they_are_returned(client: FlaskClient) -> None:
    values = {"input": 'Plain "text" ü\x00', "output": {"a": "Zoë", "n": 1}}
    ingest(client, event("span-create", id="s", traceId="t", startTime=T.format(1), **values))
    raw = get(client, "v2/observations", fields="io")["data"][0]
    for column, operator, value, number in (
        ("input", "=", raw["input"], 1),
        ("input", "starts with", "Plain", 1),
        ("input", "contains", '"text"', 1),
        ("input", "contains", "plain", 0),
        ("input", "matches", "plain", 1),
        ("input", "matches", "pl%n", 0),
        ("output", "=", raw["output"], 1),
        ("output", "contains", "Zoë", 1),
        ("output", "matches", "zoë", 1),
    ):
        condition = filter_condition("string", column, operator, value)
        for path in ("observations", "v2/observations"):
            page = get(client, path, filter=json.dumps([condition]))
            assert len(page["data"]) == number, condition


def test_a_filter_replaces_the_plain_parameter_of_every_list(filled: FlaskClient) -> None:
    for path in ("scores", "v2/scores"):
        sent = json.dumps([filter_condition("string", "name", "=", "ok")])
        assert ids(get(filled, path, name="good", filter=sent)) == ["q2"]
    sent = json.dumps([filter_condition("string", "sessionId", "=", "s")])
    assert ids(get(filled, "v2/observations", sessionId="none", filter=sent)) == ["llm", "outer"]


def test_observations_are_filtered_by_the_version_and_environment_that_they_show(
    filled: FlaskClient,
) -> None:
    ingest(filled, event("span-create", id="plain", traceId="t1", startTime=T.format(12)))
    assert ids(get(filled, "observations", version="own")) == ["llm"]
    assert get(filled, "observations/llm")["version"] == "own"
    assert ids(get(filled, "observations", version="v")) == ["plain", "outer"]
    assert ids(get(filled, "v2/observations", environment="prod")) == ["plain"]


def test_tags_of_traces_are_repeated_or_separated_by_commas(filled: FlaskClient) -> None:
    for path in ("scores", "v2/scores"):
        assert ids(get(filled, path, traceTags="all,tag0")) == ["q2", "q1"]
        assert ids(get(filled, path, traceTags=["all", "tag0"])) == ["q2", "q1"]


def test_an_operator_or_a_value_alone_is_no_condition(filled: FlaskClient) -> None:
    for query in ({"operator": ">"}, {"value": "1"}):
        assert len(ids(get(filled, "v2/scores", **query))) == 5
    assert ids(get(filled, "v2/scores", operator=">", value="0.9")) == ["q4", "q3"]


def test_fields_of_scores_always_contain_the_score(filled: FlaskClient) -> None:
    assert get(filled, "v2/scores", 400, fields="trace")
    assert get(filled, "v2/scores", 400, fields="score", userId="u0")
    [first, *_] = get(filled, "v2/scores", fields="score")["data"]
    assert first["trace"] is None
    [first, *_] = get(filled, "v2/scores", fields="score,trace", userId="u1")["data"]
    assert first["trace"]["userId"] == "u1"


def test_the_topmost_observation_of_an_application_is_a_root(client: FlaskClient) -> None:
    attribute = {
        "key": "langfuse.internal.is_app_root",
        "value": {"boolValue": True},
    }
    span = {
        "traceId": "0" * 31 + "1",
        "spanId": "0" * 15 + "2",
        "parentSpanId": "0" * 15 + "1",
        "name": "application",
        "startTimeUnixNano": "1767225600000000000",
        "endTimeUnixNano": "1767225601000000000",
        "attributes": [attribute],
    }
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    assert client.post(f"{PUBLIC}/otel/v1/traces", json=body).status_code == 200
    condition = filter_condition("boolean", "isRootObservation", "=", True)
    for query in ({"filter": json.dumps([condition])}, {"isRootObservation": "true"}):
        [row] = get(client, "v2/observations", **query)["data"]
        assert row["isRootObservation"] is True
