"""Files of many traces: every format, alone and with spans, from one request and by a job."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.support.pages.requests import SAME_ORIGIN
from tests.support.pages.sample_traces import SECOND, TraceBuilder, agent_trace, now
from tracer.extensions import db
from tracer.store.jobs.exports import run_exports
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.store.writing.writer import Writer
from tracer.web import downloads

IDS = ["a" * 32, "b" * 32, "c" * 32]


@pytest.fixture(autouse=True)
def three(writer: Writer) -> None:
    """An agent's trace, and two traces of one span, of which one failed."""
    evil = TraceBuilder(
        "b" * 32, now() - 90 * SECOND, name="=cmd", metadata={"plan": "pro", "n": 1}
    )
    late = TraceBuilder("c" * 32, now() - SECOND, name="line\nbreak", metadata={"plan": "free"})
    stories = (
        agent_trace(),
        evil.span("r", None, 0, 1, level="error", status_message="Boom", input="a\nb"),
        late.span("r", None, 0, 2, input={"x": [1.50, "ü"]}).score("good", 0.5),
    )
    for story in stories:
        assert writer.write(DEFAULT_PROJECT, story.batch) == []


def read(client: FlaskClient, **query: str) -> bytes:
    response = client.get("/api/v1/export", query_string=query)
    assert response.status_code == 200, response.text
    assert "filename=" in response.headers["Content-Disposition"]
    return response.data


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def test_json_lines_have_the_traces_in_the_order_of_the_list(client: FlaskClient) -> None:
    rows = lines(read(client, sort="-latency"))
    assert [row["id"] for row in rows] == IDS[:1] + IDS[2:] + IDS[1:2]
    assert rows[1]["name"] == "line\nbreak"
    assert json.loads(rows[1]["metadata"]) == {"plan": "free"}
    assert json.loads(rows[1]["scores"]) == {"good": 0.5}
    assert rows[2]["error_message"] == "Boom"
    assert [row["id"] for row in lines(read(client, q="status:error"))] == [IDS[1]]


def test_csv_has_the_columns_of_the_list_and_no_formulas(client: FlaskClient) -> None:
    columns = "name,cost,metadata.plan,score.good,nonsense"
    data = read(client, format="csv", columns=columns, q="-name:resolve_ticket", sort="start")
    head, first, second = csv.reader(io.StringIO(data.decode()))
    assert head == ["id", "status", "name", "cost_usd", "metadata.plan", "score.good"]
    assert first[2:] == ["'=cmd", "", "pro", ""]
    assert second[2:] == ["line\nbreak", "", "free", "0.5"]


def test_with_spans_each_line_is_a_whole_trace(client: FlaskClient) -> None:
    traces = lines(read(client, spans="true", sort="start"))
    assert [len(trace["spans"]) for trace in traces] == [1, 6, 1]
    assert all(trace["complete"] for trace in traces)
    whole = client.get(f"/api/v1/traces/{IDS[2]}/export").json
    assert traces[2]["spans"] == whole["spans"]
    rows = list(csv.DictReader(io.StringIO(read(client, spans="true", format="csv").decode())))
    assert {row["trace_id"] for row in rows} == set(IDS)
    assert len(rows) == 8


def test_an_otlp_file_of_many_traces_is_one_request_with_their_spans(client: FlaskClient) -> None:
    resources = json.loads(read(client, format="otlp"))["resourceSpans"]
    spans = [span for each in resources for scope in each["scopeSpans"] for span in scope["spans"]]
    assert len(spans) == 8
    posted = client.post("/v1/traces", json={"resourceSpans": resources})
    assert posted.json in ({}, {"partialSuccess": {}})
    assert len(lines(read(client))) == 3


def test_parquet_has_types(client: FlaskClient) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(read(client, format="parquet", sort="start")))
    rows = table.to_pylist()
    assert {row["id"] for row in rows} == set(IDS)
    types = [
        str(table.schema.field(name).type) for name in ("start_time", "span_count", "cost_usd")
    ]
    assert types == ["timestamp[us, tz=UTC]", "int64", "double"]
    spans = parquet.read_table(io.BytesIO(read(client, format="parquet", spans="true")))
    assert spans.num_rows == 8
    assert str(spans.schema.field("start_time").type) == "timestamp[us, tz=UTC]"


def test_a_job_writes_what_is_too_large_for_a_request(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MAX_STREAMED", 2)
    refused = client.get("/api/v1/export")
    assert refused.status_code == 413
    assert "/api/v1/exports" in refused.json["detail"]
    body = {"query": "", "format": "csv", "sort": "name", "columns": ["name"]}
    job = client.post("/api/v1/exports", json=body).json
    assert (job["status"], job["total"], job["file_until"]) == ("waiting", 3, None)
    assert client.get(f"/api/v1/exports/{job['id']}").status_code == 404
    with app.app_context():
        assert run_exports() == 1
        assert run_exports() == 0
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert db.session.scalar(sa.text(locks)) == 0
    done = client.get(f"/api/v1/jobs/{job['id']}").json
    assert (done["status"], done["done"]) == ("done", 3)
    assert done["file_until"] > done["ended_at"]
    file = client.get(f"/api/v1/exports/{job['id']}")
    monkeypatch.undo()
    assert file.data == read(client, format="csv", sort="name", columns="name")


def test_the_page_offers_formats_and_leads_to_the_file(app: Flask, client: FlaskClient) -> None:
    page = client.get(f"/project/default/export?trace={IDS[0]}&trace={IDS[2]}&columns=name").text
    assert "Export 2 traces" in page
    assert "all columns" in page
    path = f"/project/default/export?q=id:{IDS[0]},{IDS[2]}&format=csv&columns=name"
    assert len(client.get(path).data.splitlines()) > 2
    form = {"q": "status:error", "format": "jsonl", "spans": "1"}
    made = client.post("/project/default/export", data=form, headers=SAME_ORIGIN)
    assert made.status_code == 303
    with app.app_context():
        run_exports()
    shown = client.get(made.headers["Location"]).text
    assert "The file holds 1 trace" in shown
    assert len(lines(client.get(f"{made.headers['Location']}/file").data)) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"format": "xml"}, 400),
        ({"q": "latncy:>2s"}, 400),
        ({"sort": "nonsense"}, 400),
    ],
)
def test_what_can_not_be_exported_is_refused(
    client: FlaskClient, query: dict[str, str], status: int
) -> None:
    assert client.get("/api/v1/export", query_string=query).status_code == status
