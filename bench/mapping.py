"""Attribute mapping: spans per second that one core converts to records, per dialect."""

from __future__ import annotations

import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.family import ROOT
from bench.figures import Figure, Sizes
from tracer.wire.dialects import DIALECTS
from tracer.wire.otlp.request import PROTOBUF, decode_traces

CASES = ROOT / "tests" / "wire" / "cases"
COMMON = ("langfuse", "gen_ai", "openinference")
TRACES, SPANS = 5, 20


def measure(sizes: Sizes) -> list[Figure]:
    """Return a figure for each dialect with test cases."""
    figures = []
    for dialect in DIALECTS:
        cases = sorted(CASES.glob(f"{dialect.name}-*.json"))
        if cases:
            rate = _rate(_body(_typical(cases)), sizes.mapping_rounds)
            minimum = 30_000 if dialect.name in COMMON else None
            title = f"mapping, {dialect.name}, one core"
            figures.append(Figure(f"mapping_{dialect.name}", title, rate, "spans/s", minimum))
    return figures


def _typical(paths: list[Path]) -> Path:
    """Return the case of median size, of a model call if the dialect has any."""
    loaded = [(json.loads(path.read_text()), path) for path in paths]
    # Some cases contain only a trace or scores, and no span.
    cases = [case for case in loaded if case[0]["spans"]]
    calls = [case for case in cases if case[0]["spans"][0].get("kind") == "generation"]
    sized = sorted(calls or cases, key=lambda case: len(json.dumps(case[0]["otlp"])))
    return sized[len(sized) // 2][1]


def _body(path: Path) -> bytes:
    """Return a request with copies of a case's first span, in traces of `SPANS` spans."""
    group = json.loads(path.read_text())["otlp"]["resourceSpans"][0]
    span = dict(group["scopeSpans"][0]["spans"][0])
    for name in ("traceId", "spanId", "parentSpanId", "links"):
        span.pop(name, None)
    scope: dict[str, Any] = {"scope": group["scopeSpans"][0].get("scope", {})}
    scope["spans"] = [span] * (TRACES * SPANS)
    resource = {"resource": group.get("resource", {}), "scopeSpans": [scope]}
    message = ParseDict(
        {"resourceSpans": [resource]}, ExportTraceServiceRequest(), ignore_unknown_fields=True
    )
    for number, copy in enumerate(message.resource_spans[0].scope_spans[0].spans):
        if number % SPANS == 0:
            trace_id = os.urandom(16)
        copy.trace_id, copy.span_id = trace_id, os.urandom(8)
    return message.SerializeToString()


def _rate(body: bytes, rounds: int) -> float:
    decode_traces(body, PROTOBUF, max_value_bytes=1 << 20)
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        decode_traces(body, PROTOBUF, max_value_bytes=1 << 20)
        seconds.append(time.process_time() - start)
    return TRACES * SPANS / statistics.median(seconds)
