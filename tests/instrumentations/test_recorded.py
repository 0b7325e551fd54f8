"""Recordings of real instrumentations give the calls that the provider really answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.instrumentations import seen
from tests.instrumentations.case import Case
from tests.instrumentations.catalogue.cases import CASES
from tests.instrumentations.outcome import findings, outcome
from tests.instrumentations.recording import RECORDED
from tests.support.wire.otlp import MAX_VALUE_BYTES, decode_json
from tracer.records import SpanPatch
from tracer.wire.otlp.log_request import decode_logs
from tracer.wire.otlp.request import JSON


def recorded(case: Case) -> Any:
    """Return the request that holds all that the instrumentation sent."""
    return _recording(case)["otlp"]


def recorded_logs(case: Case) -> list[SpanPatch]:
    """Return the changes of spans that the instrumentation sent as log records."""
    logs = _recording(case).get("logs", {"resourceLogs": []})
    body = json.dumps(logs).encode()
    return decode_logs(body, JSON, max_value_bytes=MAX_VALUE_BYTES).batch.patches


def _recording(case: Case) -> Any:
    return json.loads((RECORDED / f"{case.name}.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recording_gives_what_the_provider_sent(case: Case) -> None:
    decoded = decode_json(recorded(case))
    assert decoded.item_errors == []
    traces = seen.of_records(decoded.batch, recorded_logs(case))
    assert outcome(case, findings(case, traces), {}).problems == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_span_of_a_recording_is_of_a_known_dialect_or_the_application_s(case: Case) -> None:
    unknown = [
        (span.name, span.scope.get("name"))
        for span in decode_json(recorded(case)).batch.spans
        if span.dialect is None and span.scope.get("name") != "application"
    ]
    assert unknown == []
