"""Langfuse's metrics over HTTP, on a real database: measures, dimensions, histograms, days."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.langfuse.events import T, event, ingest
from tests.support.langfuse.reads import (
    PUBLIC,
    TIME_RANGE,
    filter_condition,
    get,
    ids,
    query_metrics,
)
from tracer.api.langfuse.metrics import MEASURES, SCORE_DIMENSIONS, VIEWS

COUNT = {"measure": "count", "aggregation": "count"}


def rows_or_refusal(client: FlaskClient, **query: Any) -> list[Any] | None:
    """Return the rows of an answer, None: the question was refused; nothing else may happen."""
    query_text = json.dumps({**TIME_RANGE, **query})
    answer = client.get(f"{PUBLIC}/metrics", query_string={"query": query_text})
    assert answer.status_code in (200, 400), (query, answer.text)
    return answer.get_json()["data"] if answer.status_code == 200 else None


def test_metrics_are_added_up_by_dimensions_and_time(filled: FlaskClient) -> None:
    result = query_metrics(
        filled,
        "metrics",
        view="traces",
        dimensions=[{"field": "name"}],
        metrics=[
            COUNT,
            {"measure": "totalCost", "aggregation": "sum"},
        ],
        orderBy=[{"field": "count_count", "direction": "desc"}],
    )
    assert result["data"] == [
        {"name": "name0", "count_count": 2, "sum_totalCost": 0.03},
        {"name": "name1", "count_count": 1, "sum_totalCost": None},
    ]
    for path in ("metrics", "v2/metrics"):
        result = query_metrics(
            filled,
            path,
            view="observations",
            dimensions=[{"field": "type"}, {"field": "providedModelName"}],
            metrics=[
                {"measure": "latency", "aggregation": "p95"},
                {"measure": "totalTokens", "aggregation": "sum"},
            ],
            filters=[filter_condition("string", "level", "=", "ERROR")],
            timeDimension={"granularity": "day"},
        )
        assert result["data"] == [
            {
                "time_dimension": "2026-01-01T00:00:00.000Z",
                "type": "GENERATION",
                "providedModelName": "gpt-4o",
                "p95_latency": 2000.0,
                "sum_totalTokens": 17,
            }
        ]
    result = query_metrics(
        filled,
        "v2/metrics",
        view="scores-numeric",
        dimensions=[{"field": "name"}],
        metrics=[{"measure": "value", "aggregation": "avg"}],
    )
    assert result["data"] == [{"name": "good", "avg_value": 0.75}]


def test_every_measure_is_aggregated_or_refused_in_every_way(filled: FlaskClient) -> None:
    taken_ones = 0
    for view in ("traces", "observations", "scores-numeric"):
        for measure in MEASURES:
            for aggregation in ("sum", "p95", "histogram"):
                metrics = [{"measure": measure, "aggregation": aggregation}]
                dimensions = [{"field": "name"}]
                rows = rows_or_refusal(filled, view=view, metrics=metrics, dimensions=dimensions)
                taken_ones += rows is not None
    assert taken_ones > 50


def test_rows_are_grouped_by_every_dimension(filled: FlaskClient) -> None:
    """All but those that have a part for each key."""
    named = {view: columns for view, (_, columns) in VIEWS.items()}
    refused = set()
    grouped = 0
    for view, columns in {**named, "scores-boolean": SCORE_DIMENSIONS}.items():
        for dimension in columns:
            dimensions = [{"field": dimension}, {"field": "name"}]
            rows = rows_or_refusal(filled, view=view, metrics=[COUNT], dimensions=dimensions)
            if rows is None:
                refused.add(dimension)
            elif view == "observations" and dimension not in ("toolNames", "calledToolNames"):
                assert rows, dimension
                assert {row["name"] for row in rows} <= {"outer", "llm"}, dimension
                grouped += 1
    of_keys = {"scores", "scores_avg", "score_categories", "score_booleans", "positionInTrace"}
    assert refused == {"metadata", *of_keys}
    assert grouped > 10


def test_costs_by_side_scores_and_months_are_measured(filled: FlaskClient) -> None:
    measures = ("inputCost", "outputCost", "countScores")
    metrics = [{"measure": measure, "aggregation": "sum"} for measure in measures]
    result = query_metrics(
        filled,
        "v2/metrics",
        view="observations",
        dimensions=[{"field": "startTimeMonth"}],
        metrics=metrics,
        filters=[
            filter_condition("number", "inputCost", ">=", 0.01),
            filter_condition("number", "outputCost", "<", 0.03),
        ],
    )
    expected = {"sum_inputCost": 0.01, "sum_outputCost": 0.02, "sum_countScores": 1}
    assert result["data"] == [{"startTimeMonth": "2026-01", **expected}]
    counted = [{"measure": "scoresCount", "aggregation": "sum"}]
    month = [{"field": "timestampMonth"}]
    result = query_metrics(filled, "metrics", view="traces", dimensions=month, metrics=counted)
    [row] = result["data"]
    assert row["timestampMonth"] == "2026-01"
    assert row["sum_scoresCount"] >= 2


def test_costs_and_usage_are_measured_by_type(filled: FlaskClient) -> None:
    """The dimension comes with the measure, and the sum is a type of its own."""
    expected = {"input": 0.01, "output": 0.02, "total": 0.03}
    for dimensions in ([], [{"field": "costType"}]):
        metrics = [{"measure": "costByType", "aggregation": "sum"}]
        result = query_metrics(
            filled, "v2/metrics", view="observations", dimensions=dimensions, metrics=metrics
        )
        assert {row["costType"]: row["sum_costByType"] for row in result["data"]} == expected
    metrics = [
        {"measure": "usageByType", "aggregation": aggregation} for aggregation in ("sum", "p50")
    ]
    result = query_metrics(
        filled,
        "metrics",
        view="observations",
        dimensions=[{"field": "providedModelName"}],
        metrics=metrics,
        orderBy=[{"field": "sum_usageByType", "direction": "desc"}],
        timeDimension={"granularity": "hour"},
    )
    sums = [(row["usageType"], row["sum_usageByType"]) for row in result["data"]]
    assert sums == [("total", 17), ("input", 10), ("output", 5), ("input_cached_tokens", 2)]
    assert {row["providedModelName"] for row in result["data"]} == {"gpt-4o"}
    counted = query_metrics(
        filled,
        "v2/metrics",
        view="observations",
        dimensions=[{"field": "usageType"}],
        metrics=[COUNT],
    )
    assert {row["count_count"] for row in counted["data"]} == {1}
    assert len(counted["data"]) == 4


def test_kinds_of_one_type_are_one_group(client: FlaskClient) -> None:
    spans = [
        {
            "trace_id": "k",
            "id": f"k{n}",
            "kind": kind,
            "start_time": T.format(n),
            "end_time": T.format(n + 1),
        }
        for n, kind in enumerate(("tool", "function", "tool", "span"))
    ]
    answer = client.post("/api/v1/batch", json={"spans": spans})
    assert answer.status_code in (200, 207), answer.text
    dimensions = [{"field": "type"}]
    result = query_metrics(
        client, "metrics", view="observations", dimensions=dimensions, metrics=[COUNT]
    )
    assert {row["type"]: row["count_count"] for row in result["data"]} == {"TOOL": 3, "SPAN": 1}
    assert len(result["data"]) == 2


def test_one_measure_requested_in_two_ways_is_returned_twice(filled: FlaskClient) -> None:
    measures = (("uniqueUserIds", "count"), ("uniqueUserIds", "uniq"))
    result = query_metrics(
        filled,
        "metrics",
        view="observations",
        dimensions=[{"field": "tags"}, {"field": "traceTags"}],
        metrics=[{"measure": measure, "aggregation": how} for measure, how in measures],
    )
    tags = ["all", "tag0"]
    counts = {"count_uniqueUserIds": 1, "uniq_uniqueUserIds": 1}
    assert result["data"] == [{"tags": tags, "traceTags": tags, **counts}]


def test_values_that_are_no_numbers_are_counted(filled: FlaskClient) -> None:
    measures = (("traceId", "uniq"), ("uniqueUserIds", "count"), ("totalTokens", "uniq"))
    metrics = [{"measure": measure, "aggregation": how} for measure, how in measures]
    result = query_metrics(filled, "v2/metrics", view="observations", metrics=metrics)
    expected = {"uniq_traceId": 1, "count_uniqueUserIds": 1, "uniq_totalTokens": 1}
    assert result["data"] == [expected]


TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("search", "book")
]


def called(*names: str) -> dict[str, Any]:
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for n, name in enumerate(names)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


@pytest.fixture
def with_tools(filled: FlaskClient) -> FlaskClient:
    """Three generations more: one calls twice, one once, one is only offered its tools."""
    question = [{"role": "user", "content": "hi"}]
    # As its callback for LangChain sends them.
    history = [*question, {"role": "tool", "content": TOOLS[0]}]
    for n, (sent, output) in enumerate(
        (
            ({"messages": question, "tools": TOOLS}, called("search", "search")),
            ({"messages": question, "tools": TOOLS}, called("book")),
            (history, "no need"),
        )
    ):
        fields = {"startTime": T.format(20 + n), "endTime": T.format(21 + n), "input": sent}
        ingest(
            filled, event("generation-create", id=f"g{n}", traceId="t1", output=output, **fields)
        )
    return filled


REST = {"g2", "llm", "outer"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (filter_condition("arrayOptions", "toolNames", "any of", ["book"]), {"g0", "g1"}),
        (filter_condition("arrayOptions", "toolNames", "all of", ["book", "search"]), {"g0", "g1"}),
        (filter_condition("arrayOptions", "calledToolNames", "any of", ["search"]), {"g0"}),
        (
            filter_condition("arrayOptions", "calledToolNames", "none of", ["search"]),
            {"g1", "g2", "llm", "outer"},
        ),
        (filter_condition("number", "toolDefinitions", "=", 1), {"g2"}),
        (filter_condition("number", "toolCalls", ">=", 2), {"g0"}),
    ],
)
def test_observations_are_found_by_their_tools(
    with_tools: FlaskClient, condition: dict[str, Any], expected: set[str]
) -> None:
    for path in ("observations", "v2/observations"):
        assert set(ids(get(with_tools, path, filter=json.dumps([condition])))) == expected


def test_tools_are_dimensions_and_measures(with_tools: FlaskClient) -> None:
    metrics = [
        COUNT,
        {"measure": "toolCalls", "aggregation": "sum"},
        {"measure": "toolDefinitions", "aggregation": "avg"},
    ]

    def of(dimension: str) -> dict[str, tuple[Any, ...]]:
        dimensions = [{"field": dimension}]
        query = {"view": "observations", "dimensions": dimensions, "metrics": metrics}
        rows = query_metrics(with_tools, "v2/metrics", **query)["data"]
        return {row.pop(dimension): tuple(row.values()) for row in rows}

    assert of("toolNames") == {"search": (3, 3, 5 / 3), "book": (2, 3, 2.0)}
    assert of("calledToolNames") == {"search": (1, 2, 2.0), "book": (1, 1, 2.0)}


def histogram(client: FlaskClient, bins: int, **query: Any) -> list[Any]:
    metrics = [{"measure": "latency", "aggregation": "histogram"}]
    body = {"view": "observations", "metrics": metrics, "config": {"bins": bins}, **query}
    return query_metrics(client, "v2/metrics", **body)["data"]  # type: ignore[no-any-return]


def test_a_histogram_has_bins_of_equal_width_in_each_group(client: FlaskClient) -> None:
    for n, seconds in enumerate((1, 1, 2, 4, 9, None)):
        end = {} if seconds is None else {"endTime": T.format(seconds)}
        name = "some" if n else "one"
        ingest(
            client, event("span-create", id=f"h{n}", traceId="h", name=name, startTime=T.format(0))
        )
        ingest(client, event("span-update", id=f"h{n}", traceId="h", **end))
    assert histogram(client, 4) == [
        {"histogram_latency": [[1000.0, 3000.0, 3], [3000.0, 5000.0, 1], [7000.0, 9000.0, 1]]}
    ]
    grouped = histogram(client, 2, dimensions=[{"field": "name"}])
    assert {row["name"]: row["histogram_latency"] for row in grouped} == {
        "one": [[1000.0, 1000.0, 1]],
        "some": [[1000.0, 5000.0, 3], [5000.0, 9000.0, 1]],
    }
    nothing = histogram(client, 2, filters=[filter_condition("string", "name", "=", "none")])
    assert nothing == [{"histogram_latency": None}]


@pytest.mark.parametrize(
    "query",
    [
        {"view": "traces"},
        {"view": "observations", "dimensions": [{"field": "traceId"}]},
        {"view": "observations", "metrics": [{"measure": "odd", "aggregation": "sum"}]},
        {"view": "observations", "metrics": [{"measure": "latency", "aggregation": "odd"}]},
        {"view": "observations", "orderBy": [{"field": "odd"}]},
        {"view": "observations", "config": {"row_limit": 1001}},
        {"view": "observations", "config": {"bins": 101}},
        {"view": "observations", "metrics": []},
    ],
)
def test_invalid_metrics_are_refused(client: FlaskClient, query: dict[str, Any]) -> None:
    error = query_metrics(client, "v2/metrics", 400, **{"metrics": [COUNT], **query})
    if error["error"] != "InvalidRequestError":
        assert [issue["path"][0] for issue in error["error"]] == ["query"]


def test_only_the_largest_of_nearly_unique_groups_are_measured(filled: FlaskClient) -> None:
    """Without a limit and an order there would be a group per row."""
    query: dict[str, Any] = {"view": "observations", "dimensions": [{"field": "traceId"}]}
    query |= {"metrics": [COUNT], "config": {"row_limit": 1}}
    query["orderBy"] = [{"field": "count_count", "direction": "desc"}]
    [row] = query_metrics(filled, "v2/metrics", **query)["data"]
    assert row == {"traceId": "t0", "count_count": 2}
    for wrong in (
        {"config": {}},
        {"orderBy": []},
        {"orderBy": [{"field": "count_count", "direction": "asc"}]},
        {"orderBy": [{"field": "traceId", "direction": "desc"}]},
        {"timeDimension": {"granularity": "day"}},
    ):
        error = query_metrics(filled, "v2/metrics", 400, **{**query, **wrong})
        assert error["error"] == "InvalidRequestError", wrong
        assert "traceId" in error["message"]
    assert query_metrics(filled, "metrics", **{**query, "config": {}, "orderBy": []})["data"]


def test_days_are_listed_with_the_models_of_each(filled: FlaskClient) -> None:
    [day] = get(filled, "metrics/daily")["data"]
    assert (day["date"], day["countTraces"], day["countObservations"]) == ("2026-01-01", 3, 2)
    assert day["totalCost"] == 0.03
    [model] = day["usage"]
    assert (model["model"], model["inputUsage"], model["totalUsage"]) == ("gpt-4o", 12, 17)
    [bare] = get(filled, "metrics/daily", traceName="name1")["data"]
    assert (bare["countTraces"], bare["countObservations"], bare["usage"]) == (1, 0, [])


def test_a_day_of_traces_alone_is_a_day(client: FlaskClient) -> None:
    ingest(
        client,
        event("trace-create", id="t", timestamp="2026-01-01T00:00:00Z"),
        event("span-create", id="s", traceId="t", startTime="2026-01-02T00:00:00Z"),
    )
    days = get(client, "metrics/daily")["data"]
    counts = [(day["date"], day["countTraces"], day["countObservations"]) for day in days]
    assert counts == [("2026-01-02", 0, 1), ("2026-01-01", 1, 0)]
