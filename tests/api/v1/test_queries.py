"""The lists of the API by `?q=` and `?sort=`, over received data."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient


def get(client: FlaskClient, path: str, status: int = 200, **query: Any) -> Any:
    answer = client.get(f"/api/v1/{path}", query_string=query)
    assert answer.status_code == status, answer.text
    return answer.get_json()


def ids(answer: Any) -> list[str]:
    return [row["id"] for row in answer["data"]]


@pytest.fixture
def stored(client: FlaskClient) -> None:
    """Three traces of two users; in one of them a tool below an agent failed."""
    traces, spans = [], []
    for number, (name, user, plan) in enumerate(
        [("ask", "u1", "pro"), ("ask", "u2", "free"), ("batch", "u2", "pro")], 1
    ):
        trace = f"t{number}"
        start = f"2026-01-0{number}T00:00:00Z"
        fields = {"id": trace, "name": name, "user_id": user, "metadata": {"plan": plan}}
        traces.append({**fields, "session_id": "s1" if number < 3 else "s2", "tags": [plan]})
        end = f"2026-01-0{number}T00:00:0{number}Z"
        common = {"trace_id": trace, "start_time": start, "end_time": end}
        agent = {"id": f"a{number}", "kind": "agent", "name": "agent"}
        tool = {"id": f"x{number}", "kind": "tool", "name": "search", "parent_id": f"a{number}"}
        if number == 2:
            tool |= {"level": "error", "status_message": "Timeout of the index"}
        spans += [{**common, **agent}, {**common, **tool, "input": {"q": "refund 1042"}}]
    answer = client.post("/api/v1/batch", json={"traces": traces, "spans": spans})
    assert answer.get_json()["refused"] == 0, answer.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["t3", "t2", "t1"]),
        ("name:ask", ["t2", "t1"]),
        ("name:a* -user:u2", ["t1"]),
        ("metadata.plan:pro", ["t3", "t1"]),
        ("tag:pro,free user:u2", ["t3", "t2"]),
        ("latency:>=2s", ["t3", "t2"]),
        ("latency:1s..2s", ["t2", "t1"]),
        ("start:2026-01-02", ["t2"]),
        ("has:error", ["t2"]),
        ("any(kind:agent > kind:tool level:error)", ["t2"]),
        ("any(kind:tool > kind:agent)", []),
        ("any(error:timeout)", ["t2"]),
        ("count(kind:tool)>=2", []),
        ("all(level:default)", ["t3", "t1"]),
        ("session(traces:>1)", ["t2", "t1"]),
        ("refund", ["t3", "t2", "t1"]),
        ('"refund 1042" user:u1', ["t1"]),
        ("kind:agent", ["t3", "t2", "t1"]),
        ("(user:u1 OR name:batch) start:<2026-01-03", ["t1"]),
    ],
)
@pytest.mark.usefixtures("stored")
def test_a_query_selects_traces(client: FlaskClient, query: str, expected: list[str]) -> None:
    assert ids(get(client, "traces", q=query)) == expected


@pytest.mark.usefixtures("stored")
def test_queries_select_spans_sessions_and_users(client: FlaskClient) -> None:
    assert ids(get(client, "spans", q="kind:tool level:error")) == ["x2"]
    assert ids(get(client, "spans", q="name:search user:u2", sort="start")) == ["x2", "x3"]
    assert ids(get(client, "spans", q="input:1042 trace(tag:free)")) == ["x2"]
    assert ids(get(client, "sessions", q="traces:>1 user:u1")) == ["s1"]
    assert ids(get(client, "sessions", q="any(level:error)")) == ["s1"]
    assert ids(get(client, "users")) == ["u2", "u1"]
    assert ids(get(client, "users", q="traces:>1")) == ["u2"]
    assert ids(get(client, "users", q="trace(name:ask)", sort="traces")) == ["u1", "u2"]
    (row,) = get(client, "users", q="id:u2")["data"]
    assert (row["trace_count"], row["session_count"], row["error_count"]) == (2, 2, 0)


@pytest.mark.parametrize("path", ["traces", "spans", "sessions", "users"])
@pytest.mark.usefixtures("stored")
def test_pages_of_a_sorted_list_follow_each_other(client: FlaskClient, path: str) -> None:
    whole = ids(get(client, path, sort="start"))
    walked: list[str] = []
    cursor = None
    while True:
        page = get(client, path, sort="start", limit=1, **({"cursor": cursor} if cursor else {}))
        walked += ids(page)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(whole) > 1
    assert walked == whole


def test_an_error_names_the_character_and_what_was_meant(client: FlaskClient) -> None:
    problem = get(client, "traces", 400, q="name:a latncy:>2s")
    assert "character 8: no field is called `latncy`; did you mean `latency`?" in str(problem)
    assert "sort: `csot`" in str(get(client, "traces", 400, sort="csot"))
