"""The last refused request and its reason: stored for every API, shown on the start page."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.support.pages.dom import parse
from tests.support.pages.requests import FRAGMENT
from tests.support.wire.otlp import request, span
from tracer.extensions import db
from tracer.store.database.session import transaction
from tracer.store.projects.keys import create_key
from tracer.store.projects.projects import create_project
from tracer.store.projects.refused_requests import RefusedRequest, last_refused_request
from tracer.web import refusals
from tracer.web.remembered import AtMostEvery

START = "/project/default/traces"
WRONG_KEY = {"Authorization": "Bearer sk-tr-wrong"}
BAD_SPAN = {**span({}), "spanId": "0000000000000000"}


@pytest.fixture(autouse=True)
def _without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_limit", AtMostEvery(0))


def last(app: Flask, project_id: str = "default") -> RefusedRequest | None:
    with app.app_context():
        return last_refused_request(project_id)


@pytest.mark.parametrize(
    ("sent", "arguments", "status", "reason"),
    [
        ("POST /v1/traces", {"json": {}, "headers": WRONG_KEY}, 401, "this key is not valid"),
        ("POST /v1/traces", {"data": b"x", "content_type": "text/csv"}, 415, "text/csv"),
        ("POST /v1/logs", {"json": {"resourceLogs": 1}}, 400, "resourceLogs"),
        ("POST /v1/traces", {"json": request(BAD_SPAN)}, 200, "spanId"),
        ("POST /api/v1/traces", {"json": {"nmae": "x"}}, 400, "nmae"),
        ("POST /api/v1/batch", {"json": {"spans": [{"trace_id": 1}]}}, 200, "trace_id"),
        ("POST /api/v1/trace", {"json": {}}, 404, "not found"),
        ("POST /v1/metrics", {"json": {}}, 404, "not found"),
        ("GET /api/public/projects", {"headers": WRONG_KEY}, 401, "this key is not valid"),
        (
            "POST /api/public/ingestion",
            {"json": {"batch": [{"id": "e-1", "type": "span-create"}]}},
            207,
            "e-1",
        ),
    ],
)
def test_a_refused_request_is_remembered_with_its_reason(
    app: Flask, client: FlaskClient, sent: str, arguments: dict[str, Any], status: int, reason: str
) -> None:
    method, _, path = sent.partition(" ")
    assert client.open(path, method=method, **arguments).status_code == status
    refused = last(app)
    assert refused is not None
    assert (refused.request, refused.status) == (sent, status)
    assert reason in refused.reason


@pytest.mark.parametrize(
    ("sent", "arguments"),
    [
        ("POST /v1/traces", {"json": request(span({}))}),
        ("POST /api/v1/traces", {"json": {"name": "x"}}),
        ("GET /api/v1/traces/nope", {}),
        ("GET /nope", {}),
        ("GET /project/default/traces/nope", {}),
        ("POST /project/default/prices/new", {"data": {}}),
    ],
)
def test_nothing_else_is_remembered(
    app: Flask, client: FlaskClient, sent: str, arguments: dict[str, Any]
) -> None:
    method, _, path = sent.partition(" ")
    client.open(path, method=method, **arguments)
    assert last(app) is None


def test_a_request_with_a_key_concerns_the_project_of_the_key(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context(), transaction():
        create_project("other", "Other")
        _, secret = create_key("other", "key")
    headers = {"Authorization": f"Bearer {secret}"}
    client.post("/api/v1/traces", json={"nmae": "x"}, headers=headers)
    assert last(app) is None
    assert last(app, "other") is not None


def test_text_that_postgresql_refuses_is_stored_readably(app: Flask, client: FlaskClient) -> None:
    client.post("/api/v1/\0nope")
    refused = last(app)
    assert refused is not None
    assert refused.request == "POST /api/v1/\ufffdnope"


def test_repeated_refusals_are_stored_once_a_second(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_limit", AtMostEvery(60))
    for name in ("first", "second"):
        client.post("/api/v1/traces", json={name: "x"})
    refused = last(app)
    assert refused is not None
    assert "first" in refused.reason


def test_an_open_start_page_shows_the_refusal_and_its_reason(
    app: Flask, client: FlaskClient
) -> None:
    assert not parse(client.get(START).text).all(css="refused")
    assert client.get(START, headers=FRAGMENT).status_code == 204
    client.post("/v1/traces", json={}, headers={"Authorization": "Bearer undefined"})
    assert client.get(START, headers=FRAGMENT).headers["HX-Refresh"] == "true"
    page = parse(client.get(START).text)
    shown = page.one(css="refused").text
    assert "POST /v1/traces, status 401" in shown
    assert "initialize({ headers: {} })" in shown
    waiting = page.one("div", "wait")["hx-get"]
    assert client.get(waiting, headers=FRAGMENT).status_code == 204
    with app.app_context(), transaction():
        older = "UPDATE refused_requests SET refused_at = now() - interval '61 minutes'"
        db.session.execute(sa.text(older))
    assert not parse(client.get(START).text).all(css="refused")


def test_the_reason_is_text_and_never_markup(client: FlaskClient) -> None:
    client.post("/api/v1/traces", data=json.dumps({"<img src=x>": 1}), content_type="text/<b>x")
    client.post("/api/v1/traces", json={"<img src=x>": 1})
    shown = parse(client.get(START).text).one(css="refused")
    assert not shown.all("img")
