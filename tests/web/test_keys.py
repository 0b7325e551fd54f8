"""API keys: each route reads and writes the data of the key's project only."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from google.rpc.status_pb2 import Status

from tests.support.store import annotation_rows, library_rows
from tracer.config import Config
from tracer.extensions import db
from tracer.store.database.session import transaction
from tracer.store.projects.keys import create_key, revoke_key
from tracer.store.projects.projects import create_project
from tracer.store.schema import prices, score_configs

START = "2026-01-01T00:00:00Z"
END = "2026-01-01T00:00:01Z"
LATER = "2026-01-01T00:00:02Z"
IDS = {
    "trace_id": "t",
    "span_id": "s",
    "session_id": "x",
    "price_id": "p",
    "observation_id": "s",
    "score_id": "q1",
    "config_id": "c",
    "model_id": "p",
    **library_rows.IDS,
    **annotation_rows.IDS,
}
# A health check has no key, the document is everybody's, a file's address is its own key.
OPEN = {"/api/public/health", "/api/public/ready", "/api/public/media/content/<token>"}
DOCUMENTS = {"/api/v1/openapi.json", "/api/public/openapi.json"}
# What only the project that has them may change, for the server gave them their ids.
OWN = (
    "/api/v1/prices/p",
    "/api/public/score-configs/c",
    "/api/public/scores/q1",
    *library_rows.OWN,
    *annotation_rows.OWN,
)
# The body names the score config "c", which only another project has.
FOREIGN_IDS = ("/api/public/annotation-queues",)
MEASURED = {
    "view": "observations",
    "metrics": [{"measure": "count", "aggregation": "count"}],
    "dimensions": [{"field": "name"}],
    "fromTimestamp": START,
    "toTimestamp": "2027-01-01T00:00:00Z",
}
METRICS_QUERY = "query=" + quote(json.dumps(MEASURED))
QUERIES = {
    "/api/v1/prices/match": "/api/v1/prices/match?model=ours",
    "/api/public/metrics": f"/api/public/metrics?{METRICS_QUERY}",
    "/api/v1/comparison": "/api/v1/comparison?then=t&now=t",
    "/api/v1/exports/j": "/api/v1/exports/file",
    **library_rows.QUERIES,
    "/api/public/v2/metrics": f"/api/public/v2/metrics?{METRICS_QUERY}",
    "/api/public/experiments": f"/api/public/experiments?fromStartTime={START}",
    "/api/public/experiment-items": f"/api/public/experiment-items?fromStartTime={START}"
    "&fields=dataset,experimentMetadata,scores",
}
# There is nothing of the kind, in any project.
NOTHING_YET = {f"/api/public/{path}" for path in ("v2/evaluators", "v2/evaluation-rules")}
# Only what was changed by requests is in the audit log: tests/ui/members/test_account.py.
NOTHING_YET.add("/api/v1/audit")
# A single trace differs from no others: tests/ui/compared/test_differs.py.
NOTHING_YET.add("/api/v1/differences")
MODEL = {"modelName": "theirs", "matchPattern": "theirs", "unit": "TOKENS", "inputPrice": 0.1}
TRACE_HEX, SPAN_HEX = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
OTLP_SPAN = {"traceId": TRACE_HEX, "spanId": SPAN_HEX, "startTimeUnixNano": "1767225600000000000"}
BODIES: dict[str, Any] = {
    "/v1/traces": {"resourceSpans": [{"scopeSpans": [{"spans": [OTLP_SPAN]}]}]},
    "/api/public/otel/v1/traces": {"resourceSpans": [{"scopeSpans": [{"spans": [OTLP_SPAN]}]}]},
    "/api/v1/traces": {"id": "t", "name": "theirs", "session_id": "x"},
    "/api/v1/scores": {"trace_id": "t", "name": "theirs", "value": 1},
    "/api/v1/batch": {"spans": [{"trace_id": "t", "id": "s", "name": "theirs"}]},
    "/api/v1/prices": {"model": "ours", "rates": {"base": {"input": 1}}},
    "/api/v1/metrics": {"measure": "count"},
    "/api/v1/prices/p": {"retired": True},
    "/api/v1/prices/p/clone": {"model": "theirs"},
    "/api/public/ingestion": {
        "batch": [
            {"id": "e", "timestamp": START, "type": "trace-create", "body": {"id": "t"}},
            {
                "id": "f",
                "timestamp": START,
                "type": "span-update",
                "body": {"id": "s", "traceId": "t", "name": "theirs"},
            },
        ]
    },
    "/api/public/traces": {"id": "t", "name": "theirs", "traceIds": ["t"]},
    "/api/public/models": MODEL,
    "/api/public/models/p": MODEL,
    "/api/public/comments": {"objectType": "TRACE", "objectId": "t", "content": "theirs"},
    "/api/public/spans": {"id": "s", "spanId": "s", "traceId": "t", "name": "theirs"},
    "/api/public/generations": {"id": "s", "generationId": "s", "traceId": "t"},
    "/api/public/events": {"id": "s", "traceId": "t", "name": "theirs"},
    "/api/public/otel/v1/metrics": {},
    "/api/public/scores": {"traceId": "t", "name": "theirs", "value": 1},
    "/api/public/score-configs": {"name": "theirs", "dataType": "NUMERIC"},
    "/api/public/score-configs/c": {"name": "theirs"},
    **library_rows.BODIES,
    **annotation_rows.BODIES,
}


class Key:
    """A key of a project of its own."""

    def __init__(self, app: Flask, project_id: str) -> None:
        with app.app_context(), transaction():
            create_project(project_id, project_id)
            self.key, self.secret = create_key(project_id, "test")

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}

    def basic(self, public: str | None = None) -> dict[str, str]:
        pair = f"{self.key.public_key if public is None else public}:{self.secret}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@pytest.fixture
def ours(app: Flask) -> Key:
    return Key(app, "ours")


@pytest.fixture
def theirs(app: Flask) -> Key:
    return Key(app, "theirs")


def routes(app: Flask) -> list[tuple[str, str]]:
    """Return (method, path) of every JSON route, with ids filled in."""
    every_route = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(("/api/", "/v1/")):
            path = re.sub(r"<id:(\w+)>", lambda name: IDS[name[1]], rule.rule)
            path = path.replace("<int:version>", "1")
            path = QUERIES.get(path, path)
            every_route += [
                (method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
            ]
    assert len(every_route) > 100
    return sorted(route for route in every_route if route[1] not in OPEN)


def send(client: FlaskClient, method: str, path: str, headers: dict[str, str]) -> Any:
    if method == "GET":
        return client.get(path, headers=headers)
    body = BODIES.get(path.partition("?")[0], {"name": "theirs", "start_time": START})
    return client.open(path, method=method, json=body, headers=headers)


_EXPORTED = re.compile(r'"exported_at":"[^"]*"')
_SIGNED = re.compile(r'"url(Expiry)?":"[^"]*"')


def fill(client: FlaskClient, key: Key) -> None:
    trace = {"id": "t", "name": "ours", "session_id": "x", "user_id": "ours"}
    times = {"start_time": START, "end_time": END}
    what = {"name": "ours", "model": "ours", "attributes": {"ours": 1}, "usage": {"input": 9}}
    messages = [{"role": "user", "content": "ours"}]
    call = {"trace_id": "t", "kind": "generation", "input": messages, **what, **times}
    # The context of a call is compared with the call before.
    spans = [{"id": "r", **call}, {"id": "s", **call, "start_time": END, "end_time": LATER}]
    scores = [
        {"id": "q1", "trace_id": "t", "name": "ours", "value": 1},
        {"id": "q2", "session_id": "x", "name": "ours", "value": 1},
    ]
    batch = {"traces": [trace], "spans": spans, "scores": scores}
    answer = client.post("/api/v1/batch", json=batch, headers=key.bearer)
    assert answer.get_json()["accepted"] == 5, answer.text
    row = {"project_id": key.key.project_id, "price_id": "p", "model": "ours"}
    with client.application.app_context():
        db.session.execute(sa.insert(prices).values(**row, rates={"base": {"input": "1"}}))
        annotation_rows.fill(key.key.project_id)
        config = {"project_id": key.key.project_id, "config_id": "c", "name": "ours"}
        db.session.execute(sa.insert(score_configs).values(**config, data_type="numeric"))
        library_rows.fill(key.key.project_id)
        db.session.commit()


def snapshot(client: FlaskClient, app: Flask, key: Key) -> dict[str, str]:
    reads = [path for method, path in routes(app) if method == "GET"]
    texts = {path: client.get(path, headers=key.bearer).text for path in reads}
    # An export contains its time, and the address of a file is signed anew each time.
    return {path: _SIGNED.sub("", _EXPORTED.sub("", text)) for path, text in texts.items()}


def test_a_key_sees_nothing_of_another_project_on_any_route(
    client: FlaskClient, app: Flask, ours: Key, theirs: Key
):
    fill(client, ours)
    reads = [path for method, path in routes(app) if method == "GET"]
    assert len(reads) >= 8
    for path in set(reads) - DOCUMENTS - NOTHING_YET:
        assert "ours" in client.get(path, headers=ours.bearer).text, path
        answer = client.get(path, headers=theirs.bearer)
        # The file of an export of nothing is empty.
        empty = not answer.text or answer.get_json().get("data", []) == []
        nothing = answer.status_code == 404 or empty
        # The built-in list of models and the ready dashboards are everybody's.
        shared = path in ("/api/public/projects", "/api/public/models", "/api/v1/dashboards")
        assert nothing or shared, path
        assert "ours" not in answer.text, path


def test_a_key_changes_nothing_of_another_project_on_any_route(
    client: FlaskClient, app: Flask, ours: Key, theirs: Key
):
    fill(client, ours)
    before = snapshot(client, app, ours)
    session = {"id": "other", "session_id": "x"}
    client.post("/api/v1/traces", json=session, headers=theirs.bearer)
    writes = [route for route in routes(app) if route[0] != "GET"]
    # Last of all, the innermost first: what was deleted is refused for a day.
    deletes = sorted((route for route in writes if route[0] == "DELETE"), reverse=True)
    writes = [route for route in writes if route[0] != "DELETE"] + deletes
    assert len(writes) >= 11
    for method, path in writes:
        answer = send(client, method, path, theirs.bearer)
        # Anybody may name a trace or span of their own "t", or a model "p".
        expected = (404,) if path.startswith(OWN) else (200, 201, 202, 207)
        if method == "DELETE":
            # Theirs by now, or gone with what it was on.
            expected = (200, 202, 204, 404)
        elif path in FOREIGN_IDS:
            expected = (400,)
        assert answer.status_code in expected, (method, path, answer.text)
    assert snapshot(client, app, ours) == before
    assert client.get("/api/v1/traces", headers=theirs.bearer).get_json()["data"]


def test_an_invalid_key_is_refused_on_every_route(client: FlaskClient, app: Flask):
    for method, path in routes(app):
        answer = send(client, method, path, {"Authorization": "Bearer sk-tr-wrong"})
        assert answer.status_code == 401, (method, path)
        assert "Basic" in answer.headers["WWW-Authenticate"]
        assert "not valid" in answer.get_json().get("detail", answer.get_json().get("message"))
    assert client.get("/api/v1/traces").get_json()["data"] == []


def test_an_invalid_key_of_otlp_is_answered_with_a_status(client: FlaskClient):
    headers = {"Authorization": "Bearer x", "Content-Type": "application/x-protobuf"}
    answer = client.post("/v1/traces", data=b"", headers=headers)
    assert answer.status_code == 401
    assert "not valid" in Status.FromString(answer.data).message


def test_without_a_key_data_goes_to_the_default_project(client: FlaskClient):
    answer = client.post("/api/v1/traces", json={"id": "t"})
    assert answer.get_json()["project_id"] == "default"


def test_a_key_may_be_sent_as_a_bearer_or_as_a_pair(client: FlaskClient, ours: Key):
    for headers in (ours.bearer, ours.basic(), ours.basic(public="")):
        answer = client.post("/api/v1/traces", json={"id": "t"}, headers=headers)
        assert answer.get_json()["project_id"] == "ours"


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !!!", "Basic OjEyMw", "Bearer", "Bearer ", "Digest x=y", "x"]
)
def test_a_malformed_authorization_is_refused(client: FlaskClient, header: str):
    answer = client.get("/api/v1/traces", headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_secret_with_a_foreign_public_key_is_refused(client: FlaskClient, ours: Key, theirs: Key):
    headers = ours.basic(public=theirs.key.public_key)
    assert client.get("/api/v1/traces", headers=headers).status_code == 401


def test_a_revoked_key_is_refused_at_once(client: FlaskClient, app: Flask, ours: Key):
    assert client.get("/api/v1/traces", headers=ours.bearer).status_code == 200
    with app.app_context(), transaction():
        revoke_key(ours.key.key_id)
    assert client.get("/api/v1/traces", headers=ours.bearer).status_code == 401


def test_a_server_for_other_machines_requires_a_key_on_every_route(
    make_app: Any, database_url: str
):
    app = make_app(Config(database_url=database_url, host="192.0.2.1"))
    client = app.test_client()
    for method, path in routes(app):
        answer = send(client, method, path, {"Host": "192.0.2.1"})
        assert answer.status_code == 401, (method, path)
    body = json.dumps(BODIES["/v1/traces"])
    assert client.post("/v1/traces", data=body, content_type="application/json").status_code == 401
