"""Tracer's own requests as spans at another OTLP endpoint: off by default, and never a circle."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from tests.support.otlp_receiver import Receiver, receiving
from tests.support.waiting import wait_until
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.web.monitoring.self_tracing import MARK

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as running:
        monkeypatch.setenv(ENDPOINT, running.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        yield running


def test_requests_and_their_statements_are_sent_without_values(
    make_app: Callable[[Config], Flask],
    config: Config,
    endpoint: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    client = make_app(config).test_client()
    # What another server's own traces bring is not traced again.
    client.get("/api/v1/traces?q=user:marked", headers={MARK: "1"})
    client.get("/api/v1/traces?q=user:secret-name")
    assert client.get("/api/v1/traces/nothing").status_code == 404
    wait_until(lambda: len([s for s in endpoint.taken if s.kind == 2]) == 2, "two spans")
    spans = {span.name: span for span in endpoint.taken}
    listed = spans["GET /api/v1/traces"]
    attributes = {a.key: a.value for a in listed.attributes}
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["http.route"].string_value == "/api/v1/traces"
    statements = [s for s in endpoint.taken if s.parent_span_id == listed.span_id]
    assert statements
    assert {s.name for s in statements} >= {"SELECT"}
    assert "secret-name" not in str(endpoint.taken)
    assert endpoint.resources[0]["service.name"] == "tracer"


def test_without_the_exporters_name_an_endpoint_for_other_programs_is_ignored(
    make_app: Callable[[Config], Flask], config: Config, endpoint: Receiver
) -> None:
    make_app(config).test_client().get("/api/v1/traces")
    assert endpoint.requests == []


def test_a_server_does_not_send_its_spans_to_itself(
    make_app: Callable[[Config], Flask], config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    with pytest.raises(ConfigError, match="this server itself"):
        make_app(config)
    monkeypatch.setenv(ENDPOINT, "http://collector.example:4318")
    assert make_app(config)
