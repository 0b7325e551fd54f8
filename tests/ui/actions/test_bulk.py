"""Changes of many traces from the list: counted first, made by a job, undone until it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import SAME_ORIGIN, GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder
from tests.support.store.rows import table_rows
from tracer.store.jobs import deletions, run
from tracer.ui.actions import bulk, delete

IDS = [letter * 32 for letter in "abc"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "UNDO_SECONDS", 0)


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the database of the test, with which jobs are run."""
    with psycopg.connect(database_url) as connection:
        yield connection


@pytest.fixture
def three(store_traces: StoreTraces) -> None:
    store_traces(*(TraceBuilder(i, name=f"n{i[0]}", session_id="s").span("r") for i in IDS))


def post(client: FlaskClient, path: str, **form: Any) -> str:
    """Send a form and return the address of the page that it leads to."""
    response = client.post(f"/project/default{path}", data=form, headers=SAME_ORIGIN)
    assert response.status_code == 303, response.text
    return response.headers["Location"]


def job_page(client: FlaskClient, url: str) -> Element:
    return parse(client.get(url).text).one(id="job")


@pytest.mark.usefixtures("three")
def test_ticked_traces_are_counted_then_tagged_by_a_job(
    client: FlaskClient, get_page: GetPage, connection: psycopg.Connection[Any]
) -> None:
    rows = get_page("/traces").one("tbody").all("input", type="checkbox")
    assert {row["value"] for row in rows} == set(IDS)
    ticked = {"trace": [*IDS[:2], "gone"]}
    page = get_page(f"/bulk?{urlencode({**ticked, 'action': 'tag'}, doseq=True)}")
    assert page.one("h1").text == "Tag 2 traces"
    url = post(client, "/bulk", **ticked, action="tag", add="seen, good", remove="new")
    assert "2 traces" in job_page(client, url).text
    run.run_due(connection.info.dsn)
    assert "2 of 2 traces changed" in job_page(client, url).text
    tags = {row["trace_id"]: row["tags"] for row in table_rows(connection, "traces")}
    assert tags == {IDS[0]: ["good", "seen"], IDS[1]: ["good", "seen"], IDS[2]: []}
    assert "tag +good +seen −new" in get_page("/jobs").text


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("value", "kind"), [("0,5", "numeric"), ("yes", "boolean"), ("ok", "categorical")]
)
def test_all_that_match_are_scored(
    client: FlaskClient, connection: psycopg.Connection[Any], value: str, kind: str
) -> None:
    post(client, "/bulk", q="session:s", action="score", name="q", value=value, reader="Ada")
    run.run_due(connection.info.dsn)
    rows = table_rows(connection, "scores")
    assert [(row["data_type"], row["author"]) for row in rows] == [(kind, "Ada")] * 3


@pytest.mark.usefixtures("three")
def test_a_delete_is_undone_until_it_runs(
    client: FlaskClient, get_page: GetPage, connection: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert get_page("/bulk/delete?q=name:na").one("h1").text == "Delete 1 trace"
    redirect = client.get("/project/default/bulk?action=delete&q=").headers["Location"]
    assert redirect.endswith("/project/default/bulk/delete?action=delete&q=")
    monkeypatch.setattr(bulk, "UNDO_SECONDS", 60)
    url = post(client, "/bulk/delete", q="")
    undo = job_page(client, url).one("form")["action"]
    assert client.post(undo, headers=SAME_ORIGIN).status_code == 303
    assert "Undone" in job_page(client, url).text
    assert client.post(undo, headers=SAME_ORIGIN).status_code == 422
    run.run_due(connection.info.dsn)
    assert len(table_rows(connection, "traces")) == 3
    monkeypatch.setattr(bulk, "UNDO_SECONDS", 0)
    post(client, "/bulk/delete", q="-name:na")
    run.run_due(connection.info.dsn)
    assert [row["trace_id"] for row in table_rows(connection, "traces")] == IDS[:1]


@pytest.mark.usefixtures("three")
def test_a_large_session_is_deleted_by_a_job(
    client: FlaskClient, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "MAX_TRACES", 2)
    monkeypatch.setattr(delete, "UNDO_SECONDS", 0)
    url = post(client, "/sessions/s/delete")
    assert "3 traces" in job_page(client, url).text
    run.run_due(connection.info.dsn)
    assert table_rows(connection, "traces") == table_rows(connection, "sessions") == []


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"action": "tag", "add": "x"}, 400),
        ({"action": "burn", "q": ""}, 400),
        ({"action": "tag", "q": "latncy:>2s", "add": "x"}, 400),
        ({"action": "tag", "q": "", "add": " , "}, 422),
        ({"action": "score", "q": "", "name": "x", "value": ""}, 422),
        ({"action": "score", "q": "", "name": "x", "value": "1"}, 422),
    ],
)
def test_what_a_job_can_not_do_is_refused(
    client: FlaskClient, form: dict[str, str], status: int
) -> None:
    response = client.post("/project/default/bulk", data=form, headers=SAME_ORIGIN)
    assert response.status_code == status
    assert client.get("/api/v1/jobs").json == {"data": []}
