"""Metrics for Prometheus, summed over all processes of the server.

With PROMETHEUS_MULTIPROC_DIR, which `tracer serve` sets, each process keeps its counts in files of
that directory, and any process returns the sums over all of them.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from typing import Final

import prometheus_client as prometheus
from flask import Blueprint, Response, g, request
from prometheus_client import multiprocess

from tracer.errors import StoreUnavailable, Unauthorized
from tracer.store.database.pool import pool_state
from tracer.store.database.server_state import database_size, due_work
from tracer.store.database.session import UNREACHABLE
from tracer.store.members.tokens import PREFIX, find_token
from tracer.web.access.identity import identify_page_request
from tracer.web.access.rights import METRICS
from tracer.web.problems import register_problems
from tracer.web.replica import replica_state
from tracer.web.services import services

bp: Final = Blueprint("metrics", __name__)
register_problems(bp)

_REQUESTS: Final = prometheus.Counter(
    "tracer_requests", "Answered requests.", ["route", "method", "status"]
)
_SECONDS: Final = prometheus.Histogram(
    "tracer_request_seconds",
    "Time to answer.",
    ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_QUEUE: Final = prometheus.Gauge(
    "tracer_write_queue_spans", "Spans that wait to be written.", multiprocess_mode="livesum"
)
_POOL: Final = prometheus.Gauge(
    "tracer_database_connections",
    "Connections to the database.",
    ["state"],
    multiprocess_mode="livesum",
)
_SPANS: Final = prometheus.Counter("tracer_ingested_spans", "Committed spans.")
_REFUSED: Final = prometheus.Counter("tracer_refused_items", "Items that were not stored.")


def start_clock() -> None:
    """Remember when the request began."""
    g.began = time.perf_counter()


def count_request(response: Response) -> Response:
    """Count the request by its route, and its time by the kind of route."""
    rule = request.url_rule.rule if request.url_rule else "none"
    _REQUESTS.labels(rule, request.method, response.status_code).inc()
    began = g.get("began")
    if began is not None:
        _SECONDS.labels(_kind(rule)).observe(time.perf_counter() - began)
    return response


def count_items(stored: int, refused: int) -> None:
    """Count the spans of a committed batch, and its items that were refused."""
    _SPANS.inc(stored)
    if refused:
        _REFUSED.inc(refused)


@bp.get("/metrics")
def metrics() -> Response:
    """Return the metrics; needs a token of the kind `metrics`, or an administrator's session."""
    _check_access()
    _QUEUE.set(services().writer.waiting)
    for state, count in pool_state().items():
        _POOL.labels(state).set(count)
    registry = prometheus.REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = prometheus.CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    body = prometheus.generate_latest(registry) + _database_metrics()
    return Response(body, content_type=prometheus.CONTENT_TYPE_LATEST)


def _check_access() -> None:
    sent = request.authorization
    secret = str(sent.token or "") if sent is not None and sent.type == "bearer" else ""
    if not secret.startswith(PREFIX):
        if not identify_page_request().administers:
            raise Unauthorized("expected a token of the kind metrics: Authorization: Bearer trt_…")
        return
    token_and_member = find_token(secret)
    if (
        token_and_member is None
        or token_and_member[0].kind != METRICS
        or not token_and_member[1].administrator
    ):
        raise Unauthorized("this token is not valid, or not for metrics")


def _database_metrics() -> bytes:
    """Return the figures that all processes share, measured now."""
    registry = prometheus.CollectorRegistry()
    up = prometheus.Gauge("tracer_database_up", "Whether the database answers.", registry=registry)
    try:
        size, due = database_size(), due_work()
    except (*UNREACHABLE, StoreUnavailable):
        up.set(0)
        return prometheus.generate_latest(registry)
    up.set(1)
    prometheus.Gauge("tracer_database_bytes", "Size on disk.", registry=registry).set(size)
    state = replica_state()
    if state is not None:
        lag = prometheus.Gauge(
            "tracer_replica_lag_seconds", "How far the replica is behind.", registry=registry
        )
        lag.set(math.inf if state.lag is None else state.lag)
    tasks = prometheus.Gauge(
        "tracer_worker_due", "Due work of the background worker.", ["task"], registry=registry
    )
    for task, count in due.items():
        tasks.labels(task).set(count)
    _add_free_disk(registry)
    return prometheus.generate_latest(registry)


def _add_free_disk(registry: prometheus.CollectorRegistry) -> None:
    data_dir = services().config.data_dir.expanduser()
    if data_dir.exists():
        free = prometheus.Gauge(
            "tracer_disk_free_bytes", "Free space at the data directory.", registry=registry
        )
        free.set(shutil.disk_usage(data_dir).free)


def _kind(rule: str) -> str:
    if rule.startswith(("/v1/", "/api/public/otel/", "/api/public/ingestion")):
        return "ingest"
    return "api" if rule.startswith("/api/") else "page"
