"""Findings of a small trace are computed on read; those of a large one are stored."""

from __future__ import annotations

import random
from typing import Any

import psycopg
import pytest

from tests.support.store.rows import put
from tests.support.traces.records import T0, span
from tracer.extensions import db
from tracer.store import thresholds
from tracer.store.timeline.fill import fill
from tracer.store.timeline.findings import read_findings

pytestmark = pytest.mark.usefixtures("project")


def repeated_calls(count: int = 4) -> list[Any]:
    """Return an agent that calls a tool several times with the same arguments."""
    calls = [
        span(f"call-{n}", "root", name="search", kind="tool", start_time=T0 + n, input={"q": 1})
        for n in range(count)
    ]
    return [span("root"), *calls]


def test_a_small_trace_needs_no_worker(connection: psycopg.Connection[Any]) -> None:
    put(connection, *repeated_calls())
    result = read_findings("default", "t")
    assert result.current
    assert result.findings is not None
    [finding] = result.findings.findings
    assert (finding.kind, finding.count) == ("repeated", 4)


def test_stored_findings_equal_the_computed_ones_and_grow_old(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(connection, *repeated_calls())
    computed = read_findings("default", "t").findings
    monkeypatch.setattr(thresholds, "MAX_SPANS_CHECKED", 2)
    assert read_findings("default", "t") == (None, False)
    db.session.rollback()
    fill(connection, "default", "t")
    assert read_findings("default", "t") == (computed, True)
    db.session.rollback()
    put(connection, *repeated_calls(5))
    assert read_findings("default", "t") == (computed, False)


def test_findings_of_payloads_that_are_too_large_to_read_are_partial(
    connection: psycopg.Connection[Any],
) -> None:
    # Random digits, which LZ4 can not compress.
    digits = random.Random(1).choices("0123456789abcdef", k=1_500_000)
    large = {"q": "".join(digits)}
    late = [
        span(f"large-{n}", "root", name="fetch", kind="tool", start_time=T0 + 9 + n, input=large)
        for n in range(3)
    ]
    put(connection, *repeated_calls(), *late)
    result = read_findings("default", "t")
    assert not result.current
    assert result.findings is not None
    assert [finding.title for finding in result.findings.findings] == [
        "search called 4 times with the same arguments"
    ]


def test_findings_of_an_earlier_version_are_read_again(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(connection, *repeated_calls())
    monkeypatch.setattr(thresholds, "MAX_SPANS_CHECKED", 2)
    fill(connection, "default", "t")
    connection.execute("UPDATE timelines SET findings = (findings::jsonb - 'highlights')::json")
    connection.commit()
    findings, current = read_findings("default", "t")
    assert findings is not None
    assert (findings.highlights, len(findings.findings), current) == ([], 1, False)
