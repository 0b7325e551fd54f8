"""The demo's data set arrives complete and has the traces that the pages are to show."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from tests.support.http import free_port
from tests.support.serving import run_tracer
from tracer.cli.transfer.client import SendError, Server
from tracer.cli.transfer.demo import BATCH_SPANS, demo
from tracer.demo.dataset import DemoTrace, generate
from tracer.demo.otlp import Trace, requests
from tracer.demo.scenarios.ticket import SPANS, WIDE
from tracer.http_client import RetryingClient

DAY = 86_400


def server_of(client: FlaskClient, key: str = "") -> Server:
    """Return the application in this process as a server that the demo can send to."""
    transport = httpx.WSGITransport(client.application)
    inner = httpx.Client(transport=transport, base_url="http://127.0.0.1")
    return Server("http://127.0.0.1", key, RetryingClient(client=inner))


@pytest.fixture
def dataset() -> list[DemoTrace]:
    """The data set of seed 1."""
    return generate(1, time.time())


@pytest.fixture
def stored(client: FlaskClient, dataset: list[DemoTrace]) -> dict[str, dict[str, Any]]:
    """The data set's traces as the API has them after it was sent, by id."""
    server_of(client).send_all(requests((part.story.trace for part in dataset), BATCH_SPANS))
    return {trace["id"]: trace for trace in _traces(client)}


def _traces(client: FlaskClient) -> Iterator[dict[str, Any]]:
    query = "limit=100"
    while True:
        page = client.get(f"/api/v1/traces?{query}").get_json()
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        query = f"limit=100&cursor={page['next_cursor']}"


def test_every_trace_arrives_with_all_its_spans(
    stored: dict[str, dict[str, Any]], dataset: list[DemoTrace]
) -> None:
    sent = {part.story.trace.trace_id.hex(): len(part.story.trace.spans) for part in dataset}
    assert {trace_id: trace["span_count"] for trace_id, trace in stored.items()} == sent
    assert 150 <= len(sent) <= 250


@pytest.mark.usefixtures("stored")
def test_answers_have_scores(client: FlaskClient) -> None:
    frame = {"since": "-48h", "measure": "count", "grain": "scores", "group_by": ["score_name"]}
    rows = client.post("/api/v1/metrics", json=frame).get_json()["rows"]
    counts = {row["groups"][0]: row["value"] for row in rows}
    assert counts.keys() == {"helpful", "groundedness"}
    assert min(counts.values()) > 10
    traces = client.get("/api/v1/traces?q=score.helpful:0&limit=100").get_json()["data"]
    assert 0 < len(traces) < counts["helpful"]


def test_only_the_intended_traces_run_fail_or_lack_a_price(
    stored: dict[str, dict[str, Any]],
) -> None:
    by_name: dict[str, list[dict[str, Any]]] = {}
    for trace in stored.values():
        by_name.setdefault(trace["name"], []).append(trace)
    running = [trace for trace in stored.values() if trace["status"] == "running"]
    assert [trace["name"] for trace in running] == ["research_agent"]
    unpriced = {name for name, some in by_name.items() if some[0]["total_cost"] is None}
    assert unpriced == {"translate_reply"}
    assert all(trace["total_tokens"] > 0 for trace in by_name["translate_reply"])
    failed = Counter(t["name"] for t in stored.values() if t["status"] == "error")
    assert set(failed) == {
        "answer_question",
        "extract_invoice",
        "moderate_post",
        "summarise_call",
        "support_chat",
    }
    assert {t["environment"] for t in stored.values()} == {"production", "staging"}


def test_the_ticket_has_5000_spans_a_wide_level_and_deep_ones(
    stored: dict[str, dict[str, Any]], dataset: list[DemoTrace]
) -> None:
    (ticket,) = [part.story.trace for part in dataset if len(part.story.trace.spans) == SPANS]
    trace = stored[ticket.trace_id.hex()]
    assert (trace["span_count"], trace["error_count"]) == (5_000, 4)
    parents = {span.span_id: span.parent_span_id for span in ticket.spans}
    assert max(Counter(parents.values()).values()) == WIDE >= 1_000
    assert max(_depth(parents, span_id) for span_id in parents) == 6
    session = [t for t in stored.values() if t["session_id"] == trace["session_id"]]
    assert len(session) >= 5
    assert Counter(t["status"] for t in session)["error"] == 1


def _depth(parents: dict[bytes, bytes], span_id: bytes) -> int:
    depth = 1
    while parents[span_id]:
        span_id = parents[span_id]
        depth += 1
    return depth


@pytest.mark.usefixtures("stored")
def test_all_dialects_are_mapped_and_most_kinds_occur(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        dialects = connection.execute("SELECT DISTINCT dialect FROM span_payloads").fetchall()
        kinds = connection.execute("SELECT DISTINCT kind FROM spans").fetchall()
        odd = connection.execute(
            "SELECT count(*) FROM spans WHERE flags <> '{}' OR (kind = 'generation' AND"
            " status = 'completed' AND (total_tokens IS NULL OR model IS NULL))"
        ).fetchone()
        lost = connection.execute("SELECT count(*) FROM spans WHERE placeholder").fetchone()
    assert {name for (name,) in dialects} >= {"langfuse", "gen_ai", "openinference"}
    assert {name for (name,) in kinds} >= {
        *("agent", "chain", "tool", "generation", "retriever", "reranker", "embedding"),
        *("guardrail", "evaluator", "database", "http", "span"),
    }
    assert odd == (0,)
    assert lost == (3,), "one for each trace whose parent never arrives"


def test_a_seed_gives_the_same_traces_under_new_ids() -> None:
    now = time.time()
    once, again, other = (generate(seed, now) for seed in (7, 7, 8))

    def names(dataset: list[DemoTrace]) -> list[tuple[str, int]]:
        return [
            (span.name, span.end_time_unix_nano)
            for part in dataset
            for span in part.story.trace.spans
        ]

    def ids(dataset: list[DemoTrace]) -> set[bytes]:
        return {part.story.trace.trace_id for part in dataset}

    assert names(once) == names(again) != names(other)
    assert not ids(once) & ids(again)


@pytest.mark.parametrize("seed", range(5))
def test_all_spans_are_within_the_last_day(seed: int) -> None:
    now = time.time()
    parts = list(generate(seed, now))
    assert len(parts) > 100
    for part in parts:
        spans = part.story.trace.spans
        assert min(span.start_time_unix_nano for span in spans) > (now - DAY) * 1e9
        assert max(span.end_time_unix_nano for span in spans) <= now * 1e9
        assert all(span.start_time_unix_nano <= now * 1e9 for span in spans)


@pytest.mark.parametrize("size", [1, 7, 10, 500])
def test_requests_are_full_and_lose_no_span(size: int) -> None:
    traces = []
    for count in (10, 3, 20):
        traces.append(Trace(0, {}))
        for _ in range(count):
            with traces[-1].span("x", {}):
                pass
    sent = [
        [span for group in request.resource_spans for span in group.scope_spans[0].spans]
        for request in requests(traces, size)
    ]
    assert [span.span_id for part in sent for span in part] == [
        span.span_id for trace in traces for span in trace.spans
    ]
    assert all(len(part) == size for part in sent[:-1])
    assert 0 < len(sent[-1]) <= size


def test_a_busy_server_is_retried(client: FlaskClient) -> None:
    statuses = [429, 503]
    waits: list[float] = []
    application = client.application.wsgi_app

    def busy(environ: Any, start_response: Any) -> Any:
        if not statuses:
            return application(environ, start_response)
        start_response(f"{statuses.pop()} Busy", [("Retry-After", "7")])
        return []

    inner = httpx.Client(transport=httpx.WSGITransport(busy), base_url="http://127.0.0.1")
    server = Server("http://127.0.0.1", client=RetryingClient(client=inner, wait=waits.append))
    trace = Trace(time.time() - 1, {})
    with trace.span("late", {}):
        pass
    server.send_all(requests([trace], 10))
    assert waits == [7, 7]
    assert server.trace(trace.trace_id.hex())["span_count"] == 1


def test_an_invalid_key_is_named_as_the_reason(client: FlaskClient) -> None:
    with pytest.raises(SendError, match="valid key"):
        server_of(client, "wrong").send_all(
            requests([generate(1, time.time())[0].story.trace], 500)
        )


def test_the_command_prints_pages_that_exist(app: Flask, client: FlaskClient) -> None:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        done = CliRunner().invoke(demo, ["--url", f"http://127.0.0.1:{server.port}/"])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert done.exit_code == 0, done.output
    pages = [line.split("http://")[1] for line in done.output.splitlines() if "http://" in line]
    assert len(pages) == 8
    for page in pages:
        assert client.get("/" + page.partition("/")[2]).status_code == 200


def test_without_a_server_one_line_names_the_remedy() -> None:
    done = run_tracer("demo", "--url", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "no server answers" in line
    assert "`tracer serve`" in line


def test_it_is_sent_to_the_port_that_serve_would_listen_on() -> None:
    port = free_port()
    assert f"http://127.0.0.1:{port} " in run_tracer("demo", TRACER_PORT=str(port)).stderr
    assert f"http://127.0.0.1:{port} " in run_tracer("demo", "--port", str(port)).stderr
