"""Bulk jobs over the API: preview, make, follow, undo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.store.rows import put, table_rows, trace_rows
from tests.support.traces.records import span, trace_record
from tracer.store.jobs import deletions, run


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the database, which holds two traces."""
    with psycopg.connect(database_url) as connection:
        put(connection, span("a", trace="t1"), span("a", trace="t2"))
        yield connection


def call(
    client: FlaskClient, method: str, path: str, status: int = 200, body: object = None
) -> Any:
    """Send a request and return the answer's body."""
    response = client.open(f"/api/v1/{path}", method=method, json=body)
    assert response.status_code == status, response.text
    return response.json


def test_a_job_is_previewed_made_and_followed(
    client: FlaskClient, connection: psycopg.Connection[Any]
) -> None:
    body = {"action": "tag", "traces": ["t1", "t2", "gone"], "tags": {"add": ["seen"]}}
    assert call(client, "POST", "jobs", body={**body, "dry_run": True}) == {"total": 2}
    assert call(client, "GET", "jobs") == {"data": []}
    made = call(client, "POST", "jobs", 202, {**body, "author": "Ada"})
    assert (made["status"], made["total"], made["author"]) == ("waiting", 2, "Ada")
    run.run_due(connection.info.dsn)
    job = call(client, "GET", f"jobs/{made['id']}")
    assert (job["status"], job["done"]) == ("done", 2)
    assert call(client, "GET", "jobs")["data"] == [job]
    assert [row["tags"] for row in trace_rows(connection)] == [["seen"], ["seen"]]
    call(client, "DELETE", f"jobs/{made['id']}", 409)
    call(client, "GET", "jobs/none", 404)


def test_a_delete_is_undone(client: FlaskClient, connection: psycopg.Connection[Any]) -> None:
    body = {"action": "delete", "traces": ["t1"], "delay": 30}
    made = call(client, "POST", "jobs", 202, body)
    assert call(client, "DELETE", f"jobs/{made['id']}")["status"] == "undone"
    run.run_due(connection.info.dsn)
    assert len(trace_rows(connection)) == 2


@pytest.mark.parametrize(
    ("limit", "path", "left"),
    [("MAX_TRACES", "sessions/s%20%22q%22", []), ("MAX_SPANS", "traces/t1", ["t2"])],
)
def test_what_is_large_is_deleted_by_a_job(
    client: FlaskClient,
    connection: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    path: str,
    left: list[str],
) -> None:
    sessions = [trace_record(trace=trace, session_id='s "q"') for trace in ("t1", "t2")]
    put(connection, *sessions, span("b", trace="t1"))
    monkeypatch.setattr(deletions, limit, 1)
    assert call(client, "DELETE", f"{path}?dry_run=true")["deleted"] is False
    answer = client.delete(f"/api/v1/{path}")
    assert answer.status_code == 202
    run.run_due(connection.info.dsn)
    job = client.get(answer.headers["Location"]).json
    assert (job["id"], job["status"], job["done"]) == (answer.json["id"], "done", 2 - len(left))
    assert [row["trace_id"] for row in trace_rows(connection)] == left
    call(client, "DELETE", path, 404)


def test_what_is_small_is_deleted_at_once(
    client: FlaskClient, connection: psycopg.Connection[Any]
) -> None:
    put(connection, *(trace_record(trace=trace, session_id="s") for trace in ("t1", "t2")))
    answer = call(client, "DELETE", "sessions/s")
    assert (answer["deleted"], answer["traces"], answer["spans"]) == (True, 2, 2)
    assert call(client, "GET", "jobs") == {"data": []}
    assert trace_rows(connection) == []


def test_all_traces_of_a_query_are_changed(
    client: FlaskClient, connection: psycopg.Connection[Any]
) -> None:
    body = {"action": "tag", "query": "id:t2", "tags": {"add": ["seen"]}}
    assert call(client, "POST", "jobs", body={**body, "dry_run": True}) == {"total": 1}
    assert call(client, "POST", "jobs", 202, body)["query"] == "id:t2"
    run.run_due(connection.info.dsn)
    assert [row["tags"] for row in trace_rows(connection)] == [[], ["seen"]]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (0.5, ("numeric", 0.5, None)),
        (True, ("boolean", 1, None)),
        ("ok", ("categorical", None, "ok")),
    ],
)
def test_a_score_is_given_to_each_trace(
    client: FlaskClient, connection: psycopg.Connection[Any], value: object, stored: object
) -> None:
    score = {"name": "checked", "value": value}
    call(client, "POST", "jobs", 202, {"action": "score", "traces": ["t1", "t2"], "score": score})
    run.run_due(connection.info.dsn)
    rows = table_rows(connection, "scores")
    assert [(row["data_type"], row["value"], row["string_value"]) for row in rows] == [stored] * 2


@pytest.mark.parametrize(
    "body",
    [
        {"action": "burn", "traces": ["t1"]},
        {"action": "tag", "traces": ["t1"]},
        {"action": "delete", "traces": ["t1"], "tags": {"add": ["x"]}},
        {"action": "delete"},
        {"action": "delete", "traces": []},
        {"action": "delete", "traces": ["t1"], "query": "name:a"},
        {"action": "delete", "query": "latncy:>2s"},
    ],
)
def test_a_job_that_is_not_whole_is_refused(client: FlaskClient, body: object) -> None:
    call(client, "POST", "jobs", 400, body)
