"""What is loaded for a merge is what was merged before, to the last field."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.store.rows import clear_tables, put
from tests.support.traces.drawn_records import log_event_patches, span_patches, span_records
from tests.support.traces.merging import MergedTrace
from tests.support.traces.records import span
from tracer.merging.spans import Span
from tracer.store.writing.load import load_payloads, load_spans, lock_traces

ITEMS = st.lists(span_records() | span_patches() | log_event_patches(), min_size=1, max_size=6)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ITEMS)
def test_a_loaded_span_is_the_span_that_was_stored(
    connection: psycopg.Connection[Any], items: list[Any]
) -> None:
    clear_tables(connection)
    merged = MergedTrace()
    merged.add(*items)
    put(connection, *items)
    loaded = load_spans(connection, [("default", "t", span_id) for span_id in merged.spans])
    load_payloads(connection, loaded)
    connection.rollback()
    assert {key[2] for key in loaded} == set(merged.spans)
    for key, stored in loaded.items():
        assert comparable(stored) == comparable(merged.spans[key[2]])


def comparable(merged: Span) -> dict[str, Any]:
    """Return a span without what the store adds when it sees the other spans."""
    fields: dict[str, Any] = msgspec.to_builtins(merged)
    record = fields["record"]
    # The store flattens cycles and excludes repeated usage; a version keeps its rank apart.
    if merged.sent_parent_id is not None:
        record["parent_span_id"] = merged.sent_parent_id
    record["flags"] = [flag for flag in record["flags"] if flag != "cycle"]
    del fields["usage_excluded"], fields["sent_parent_id"], record["version"]
    return fields


def test_only_existing_traces_are_locked(
    connection: psycopg.Connection[Any], database_url: str
) -> None:
    put(connection, span("root"))
    keys = [("default", "t"), ("default", "none"), ("other", "t")]
    assert set(lock_traces(connection, keys)) == {("default", "t")}
    with psycopg.connect(database_url) as other:
        locked = other.execute("SELECT trace_id FROM traces FOR UPDATE SKIP LOCKED").fetchall()
    assert locked == []
