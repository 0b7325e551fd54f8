"""Reads of traces and spans: filters, pages, levels of the tree."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

DAY = "2026-01-{:02}T00:00:00Z"


def get(client: FlaskClient, path: str, **query: Any) -> Any:
    answer = client.get(f"/api/v1/{path}", query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def put(client: FlaskClient, **batch: Any) -> None:
    answer = client.post("/api/v1/batch", json=batch)
    assert answer.get_json()["refused"] == 0, answer.text


@pytest.fixture
def month(client: FlaskClient) -> None:
    """Nine traces, a day apart, oldest first: t1 to t9."""
    traces, spans = [], []
    for day in range(1, 10):
        start = DAY.format(day)
        traces.append(
            {
                "id": f"t{day}",
                "name": f"name{day % 2}",
                "user_id": f"u{day % 3}",
                "session_id": f"s{day % 3}",
                "environment": "prod" if day < 5 else "test",
                "tags": [f"tag{day % 2}", "all"],
            }
        )
        end = {} if day == 9 else {"end_time": start}
        level = "error" if day == 8 else "default"
        spans.append({"trace_id": f"t{day}", "id": "s", "start_time": start, "level": level, **end})
    put(client, traces=traces, spans=spans)


def ids(page: Any) -> list[str]:
    return [row["id"] for row in page["data"]]


@pytest.mark.usefixtures("month")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "987654321"),
        ({"since": DAY.format(7)}, "987"),
        ({"until": DAY.format(3)}, "21"),
        ({"since": "2026-01-03T00:00:00", "until": "2026-01-05T01:00:00+01:00"}, "43"),
        ({"name": "name0"}, "8642"),
        ({"user_id": "u1"}, "741"),
        ({"session_id": "s0", "name": "name1"}, "93"),
        ({"environment": "prod"}, "4321"),
        ({"tag": "tag1"}, "97531"),
        ({"tag": "all", "limit": 3}, "987"),
        ({"status": "running"}, "9"),
        ({"status": "error"}, "8"),
        ({"name": "none"}, ""),
    ],
)
def test_a_list_is_filtered(client: FlaskClient, query: Any, expected: str):
    assert ids(get(client, "traces", **query)) == [f"t{day}" for day in expected]


@pytest.mark.usefixtures("month")
def test_a_list_is_walked_to_its_end_and_back(client: FlaskClient):
    page = get(client, "traces", limit=4)
    assert (ids(page), page["prev_cursor"]) == (["t9", "t8", "t7", "t6"], None)
    second = get(client, "traces", limit=4, cursor=page["next_cursor"])
    last = get(client, "traces", limit=4, cursor=second["next_cursor"])
    assert (ids(second), ids(last), last["next_cursor"]) == (["t5", "t4", "t3", "t2"], ["t1"], None)
    assert ids(get(client, "traces", limit=4, cursor=last["prev_cursor"])) == ids(second)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"since": "yesterday"}, "since"),
        ({"until": "0001-01-01T00:00:00Z"}, "until"),
        ({"status": "done"}, "status"),
        ({"sesion_id": "x"}, "sesion_id"),
        ({"name": ["a", "b"]}, "name"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(client: FlaskClient, query: Any, field: str):
    answer = client.get("/api/v1/traces", query_string=query)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["errors"][0]["field"] == field


@pytest.mark.parametrize("cursor", ["x", "€", "AAAA", "W3RydWUsMF0", "W3RydWUsMCwiXHUwMDAwIl0", ""])
@pytest.mark.parametrize("path", ["traces", "sessions", "traces/t/spans"])
def test_a_cursor_that_is_not_ours_is_refused_or_leads_nowhere(
    client: FlaskClient, cursor: str, path: str
):
    client.post("/api/v1/traces", json={"id": "t"})
    answer = client.get(f"/api/v1/{path}", query_string={"cursor": cursor})
    assert answer.status_code == (400 if cursor else 200)


def test_what_is_not_there_is_not_found(client: FlaskClient):
    client.post("/api/v1/traces", json={"id": "t"})
    for path in ("traces/x", "traces/x/spans", "traces/x/scores", "traces/t/spans/x"):
        answer = client.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
        assert "'x'" in answer.get_json()["detail"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_no_trace_has_an_id_with_nul(client: FlaskClient, method: str):
    answer = client.open("/api/v1/traces/%00", method=method, json={})
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_a_filter_is_cleaned_as_the_stored_name_was(client: FlaskClient):
    put(client, traces=[{"id": "nul", "name": "a\x00b"}, {"id": "plain", "name": "ab"}])
    assert ids(get(client, "traces", name="a\x00b")) == ["nul"]


def test_a_tree_is_read_level_by_level(client: FlaskClient):
    spans = [{"trace_id": "t", "id": "root", "start_time": DAY.format(1)}]
    for number in range(5):
        child = {"trace_id": "t", "id": f"c{number}", "parent_id": "root"}
        spans.append({**child, "start_time": DAY.format(number + 2)})
    put(client, spans=spans)
    roots = get(client, "traces/t/spans")
    assert (ids(roots), roots["data"][0]["child_count"]) == (["root"], 5)
    assert "input" not in roots["data"][0]
    page = get(client, "traces/t/spans", parent="root", limit=3)
    assert (ids(page), page["prev_cursor"]) == (["c0", "c1", "c2"], None)
    rest = get(client, "traces/t/spans", parent="root", limit=3, cursor=page["next_cursor"])
    assert (ids(rest), rest["next_cursor"]) == (["c3", "c4"], None)
    back = get(client, "traces/t/spans", parent="root", limit=3, cursor=rest["prev_cursor"])
    assert ids(back) == ids(page)
    assert get(client, "traces/t/spans", parent="c0")["data"] == []


def test_a_parent_that_has_not_arrived_is_named_and_not_shown(client: FlaskClient):
    put(client, spans=[{"trace_id": "t", "id": "child", "parent_id": "gone"}])
    roots = get(client, "traces/t/spans")
    assert (roots["data"], roots["missing_parents"]) == ([], ["gone"])
    assert ids(get(client, "traces/t/spans", parent="gone")) == ["child"]
    assert client.get("/api/v1/traces/t/spans/gone").status_code == 404
    assert get(client, "traces/t")["span_count"] == 1
    put(client, spans=[{"trace_id": "t", "id": "gone"}])
    roots = get(client, "traces/t/spans")
    assert (ids(roots), roots["missing_parents"]) == (["gone"], [])


def test_times_are_utc_with_microseconds_and_costs_keep_their_digits(client: FlaskClient):
    span = {"start_time": "2026-01-01T01:00:00.5+01:00", "cost": {"input": 0.1, "output": 1e-07}}
    client.post("/api/v1/traces/t/spans", json={"id": "s", **span})
    answer = client.get("/api/v1/traces/t/spans/s")
    assert '"start_time":"2026-01-01T00:00:00.500000Z"' in answer.text
    assert answer.get_json()["cost"] == {"input": 0.1, "output": 1e-07}
    assert '"total_cost":0.1000001' in client.get("/api/v1/traces/t").text


def test_links_lead_to_the_pages(client: FlaskClient):
    client.post("/api/v1/traces/a%2Fb/spans", json={"id": "s ?"})
    span = get(client, "traces/a%2Fb/spans/s%20%3F")
    assert span["url"] == "http://localhost/project/default/traces/a%2Fb?span=s%20%3F"
