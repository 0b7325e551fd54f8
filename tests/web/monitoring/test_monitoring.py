"""Health, readiness, metrics and log lines."""

from __future__ import annotations

import json
import logging
import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from tests.support.access.members import client_of, make_member
from tracer.extensions import db
from tracer.store.database.session import transaction
from tracer.store.members.tokens import create_token
from tracer.web.monitoring.logs import JsonFormatter


def scrape(client: FlaskClient, secret: str) -> tuple[int, str]:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {secret}"})
    return answer.status_code, answer.text


def value(text: str, name: str) -> float:
    return float(re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[0])


def test_a_server_with_an_older_schema_is_healthy_and_not_ready(
    app: Flask, client: FlaskClient
) -> None:
    assert client.get("/health").json == {"status": "ok"}
    assert client.get("/ready").status_code == 200
    with app.app_context():
        newest = db.session.scalar(db.text("SELECT version_num FROM alembic_version"))
        for revision, status in (("0001", 503), ("9999", 200)):
            with transaction():
                change = db.text("UPDATE alembic_version SET version_num = :revision")
                db.session.execute(change, {"revision": revision})
            assert client.get("/ready").status_code == status
            assert client.get("/health").status_code == 200
        with transaction():
            db.session.execute(change, {"revision": newest})


def test_metrics_count_requests_and_spans(client: FlaskClient) -> None:
    before = client.get("/metrics").text
    span = {"trace_id": "t", "id": "s", "start_time": "2026-01-01T00:00:00Z"}
    assert client.post("/api/v1/batch", json={"spans": [span]}).status_code == 200
    after = client.get("/metrics").text
    for name in (
        "tracer_ingested_spans_total",
        'tracer_requests_total{method="POST",route="/api/v1/batch",status="200"}',
    ):
        had = value(before, name) if name in before else 0
        assert value(after, name) == had + 1, name
    assert value(after, "tracer_database_up") == 1
    assert value(after, "tracer_database_bytes") > 1_000_000
    assert value(after, "tracer_write_queue_spans") == 0


def test_metrics_need_a_token_of_an_administrator(app: Flask) -> None:
    admin = make_member(app, "root", administrator=True)
    member = make_member(app, "ada", "owner")
    with app.app_context(), transaction():
        day = timedelta(days=1)
        good = create_token(admin.member_id, "prometheus", "metrics", day)[1]
        others = [
            create_token(admin.member_id, "all", "all", day)[1],
            create_token(member.member_id, "prometheus", "metrics", day)[1],
            "trt_nothing",
            "sk-tr-nothing",
        ]
    client = app.test_client()
    assert scrape(client, good)[0] == 200
    assert [scrape(client, secret)[0] for secret in others] == [401] * 4
    assert client.get("/metrics").status_code == 401
    assert client_of(app, "root").get("/metrics").status_code == 200
    assert client_of(app, "ada").get("/metrics").status_code == 401
    headers = {"Authorization": f"Bearer {good}"}
    assert client.get("/api/v1/traces", headers=headers).status_code == 401


def test_a_log_line_is_an_object_with_the_id_of_the_request_and_no_query(app: Flask) -> None:
    record = logging.LogRecord("tracer", logging.WARNING, "x", 1, "slow: %d", (7,), None)
    with app.test_request_context("/project/default/traces?q=secret"):
        app.preprocess_request()
        line = json.loads(JsonFormatter().format(record))
    assert line["message"] == "slow: 7"
    assert line["route"] == "/project/<project_id>/traces"
    assert len(line["request_id"]) == 16
    assert "secret" not in json.dumps(line)


def test_each_answer_names_an_id_of_its_own(client: FlaskClient) -> None:
    sent = {"X-Request-Id": "chosen-by-a-client"}
    ids = {client.get("/health", headers=sent).headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3
    assert "chosen-by-a-client" not in ids
