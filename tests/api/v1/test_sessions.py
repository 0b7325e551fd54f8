"""Reads of sessions: the list, one with its sums, its scores."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient


@pytest.fixture
def sessions(client: FlaskClient) -> None:
    """Sessions s1 to s3, a day apart, of two traces each."""
    traces, spans = [], []
    for day in (1, 2, 3):
        for turn in (1, 2):
            trace_id = f"t{day}-{turn}"
            trace = {"id": trace_id, "session_id": f"s{day}", "user_id": f"u{day % 2}"}
            traces.append({**trace, "environment": f"e{day}"})
            times = {
                "start_time": f"2026-01-0{day}T00:0{turn}:00Z",
                "end_time": f"2026-01-0{day}T00:0{turn}:30Z",
            }
            usage = {"usage": {"input": 1}, "cost": {"input": 0.1}}
            spans.append({"trace_id": trace_id, "id": "s", **times, **usage})
    answer = client.post("/api/v1/batch", json={"traces": traces, "spans": spans})
    assert answer.get_json()["refused"] == 0


def ids(client: FlaskClient, **query: Any) -> list[str]:
    answer = client.get("/api/v1/sessions", query_string=query)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.get_json()["data"]]


@pytest.mark.usefixtures("sessions")
def test_a_session_adds_up_its_traces(client: FlaskClient):
    session = client.get("/api/v1/sessions/s2").get_json()
    assert session == {
        "id": "s2",
        "url": "http://localhost/project/default/sessions/s2",
        "start_time": "2026-01-02T00:01:00.000000Z",
        "end_time": "2026-01-02T00:02:30.000000Z",
        "trace_count": 2,
        "error_count": 0,
        "running_count": 0,
        "span_count": 2,
        "total_tokens": 2,
        "total_cost": 0.2,
        "user_id": "u0",
        "environment": "e2",
        "tags": [],
        "bookmarked": False,
        "comment_count": 0,
        "scores": [],
    }
    traces = client.get("/api/v1/traces?session_id=s2").get_json()["data"]
    assert [trace["id"] for trace in traces] == ["t2-2", "t2-1"]


@pytest.mark.usefixtures("sessions")
def test_sessions_are_filtered_latest_first(client: FlaskClient):
    assert ids(client) == ["s3", "s2", "s1"]
    assert ids(client, user_id="u1") == ["s3", "s1"]
    assert ids(client, environment="e2") == ["s2"]
    assert ids(client, since="2026-01-02T00:02:00Z") == ["s3", "s2"]
    assert ids(client, until="2026-01-02T00:00:00Z") == ["s1"]


@pytest.mark.usefixtures("sessions")
def test_sessions_are_read_page_by_page(client: FlaskClient):
    page = client.get("/api/v1/sessions?limit=2").get_json()
    assert page["prev_cursor"] is None
    assert ids(client, limit=2, cursor=page["next_cursor"]) == ["s1"]


def test_a_missing_session_is_not_found(client: FlaskClient):
    assert client.get("/api/v1/sessions/x").status_code == 404
    assert client.get("/api/v1/sessions/x/scores").status_code == 404


def test_an_unknown_filter_is_refused(client: FlaskClient):
    answer = client.get("/api/v1/sessions?name=x")
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["field"] == "name"
