"""Spans of Tracer's own requests and statements, sent to the OTLP endpoint of OTEL_* variables.

Off unless OTEL_TRACES_EXPORTER is ``otlp``: a developer's shell may name an endpoint for other
programs. Spans carry routes and statements with placeholders, and no values.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from tracer import __version__
from tracer.config import Config, is_loopback
from tracer.errors import ConfigError
from tracer.extensions import db
from tracer.store.database.statements import watch
from tracer.web.incoming.forwarded import TRUSTED

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

MARK: Final = "Tracer-Own-Trace"
"""Header of exports: the request that delivers them is not traced itself, or never ended."""
_MAX_STATEMENT_CHARACTERS: Final = 2_000


def is_enabled(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether OpenTelemetry's variables enable tracing of this server."""
    return environ.get("OTEL_TRACES_EXPORTER") == "otlp"


def check_endpoint(config: Config, environ: Mapping[str, str] = os.environ) -> None:
    """Raise ConfigError where the spans would be sent to this server itself."""
    names = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    endpoint = next(filter(None, map(environ.get, names)), "http://localhost:4318")
    parts = urlsplit(endpoint)
    if is_loopback(parts.hostname or "") and parts.port == config.port:
        raise ConfigError(f"{names[1]}: {endpoint} is this server itself")


class SelfTracing:
    """Traces the requests of one application; the exporter starts with the first of them.

    It runs in a thread, which does not survive the fork of a web process.
    """

    def __init__(self, app: Flask, config: Config) -> None:
        check_endpoint(config)
        self._lock = threading.Lock()
        self._tracer: Tracer | None = None
        app.before_request(self.begin)
        app.after_request(self.describe)
        app.teardown_request(self.end)
        with app.app_context():
            watch(db.engine, self._begin_statement, lambda span: span.end())

    def begin(self) -> None:
        """Start the span of the request; a trusted proxy may name the trace that it belongs to."""
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        if MARK in request.headers:
            return
        parent = extract(dict(request.headers)) if request.environ.get(TRUSTED) else None
        route = request.url_rule.rule if request.url_rule else ""
        attributes = {
            "http.request.method": request.method,
            "http.route": route,
            "url.scheme": request.scheme,
            "tracer.request_id": g.get("request_id", ""),
        }
        g.own_span = self.tracer().start_span(
            f"{request.method} {route}".strip(),
            parent,
            kind=SpanKind.SERVER,
            attributes=attributes,
        )

    def describe(self, response: Response) -> Response:
        """Set the status of the response on the span."""
        from opentelemetry.trace import Status, StatusCode

        span = g.get("own_span")
        if span is not None:
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(Status(StatusCode.ERROR))
        return response

    def end(self, _error: BaseException | None) -> None:
        """End the span of the request."""
        span = g.pop("own_span", None)
        if span is not None:
            span.end()

    def tracer(self) -> Tracer:
        """Return the tracer of this process."""
        with self._lock:
            if self._tracer is None:
                self._tracer = _tracer()
            return self._tracer

    def _begin_statement(self, statement: str) -> Span | None:
        from opentelemetry.trace import SpanKind, set_span_in_context

        request_span = g.get("own_span") if g else None
        if request_span is None:
            return None
        return self.tracer().start_span(
            statement.split(None, 1)[0].upper(),
            set_span_in_context(request_span),
            kind=SpanKind.CLIENT,
            attributes={
                "db.system.name": "postgresql",
                "db.query.text": statement[:_MAX_STATEMENT_CHARACTERS],
            },
        )


def _tracer() -> Tracer:
    import requests
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", "tracer")
    resource = Resource.create({"service.name": name, "service.version": __version__})
    provider = TracerProvider(resource=resource)
    session = requests.Session()
    session.headers[MARK] = "1"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(session=session)))
    return provider.get_tracer("tracer", __version__)
