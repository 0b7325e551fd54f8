"""All traces of `tracer demo` are exported and imported without a change."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.support.store.round_trips import assert_copy_is_equal, export_text, import_text
from tracer.demo.dataset import generate
from tracer.demo.otlp import requests
from tracer.store.writing.transaction import store
from tracer.wire.otlp.request import PROTOBUF, decode_traces


def test_the_demo_is_exported_and_imported_without_a_change(
    connection: psycopg.Connection[Any],
) -> None:
    traces = [part.story.trace for part in generate(1, 1_767_225_600.0)]
    for request in requests(traces, 2_000):
        body = request.SerializeToString()
        batch = decode_traces(body, PROTOBUF, max_value_bytes=1 << 20).batch
        store(connection, [("default", batch)])
    for trace in traces:
        import_text(connection, export_text(trace_id=trace.trace_id.hex()))
    assert_copy_is_equal(connection)
