"""Analyses that are computed on read equal those that the worker stores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.support.store.rows import put
from tests.support.traces.records import T0, span
from tracer.extensions import db
from tracer.store import thresholds
from tracer.store.analyses.activity import read_activity_profile
from tracer.store.analyses.compute import analyse
from tracer.store.analyses.sibling_groups import read_sibling_groups
from tracer.store.analyses.summaries import read_statistics, read_time_breakdown
from tracer.store.traces.traces import TraceRow, get_row

SECOND = 1_000_000


def records() -> list[Any]:
    """Return an agent with thirty similar calls, one of which fails, and an idle time."""
    calls = [
        span(
            f"call-{n:02}",
            "root",
            name="ask",
            kind="generation",
            model="house",
            usage={"input": n},
            level="error" if n == 7 else "default",
            start_time=T0 + n * SECOND,
            end_time=T0 + n * SECOND + 900_000,
        )
        for n in range(30)
    ]
    tool = span("tool", "root", kind="tool", start_time=T0 + 90 * SECOND, end_time=T0 + 99 * SECOND)
    return [span("root", kind="agent", end_time=T0 + 100 * SECOND), *calls, tool]


def row() -> TraceRow:
    trace = get_row("default", "t")
    assert trace is not None
    return trace


READERS: dict[str, Callable[[], Any]] = {
    "headline": lambda: read_time_breakdown("default", "t"),
    "statistics": lambda: read_statistics("default", "t"),
    "activity": lambda: read_activity_profile(row()),
    "sibling groups": lambda: read_sibling_groups("default", "t", ["call-00", "tool"]) or None,
}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("name", READERS)
def test_a_stored_analysis_equals_the_one_computed_on_read(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    put(connection, *records())
    computed = READERS[name]()
    assert computed is not None
    db.session.rollback()
    monkeypatch.setattr(thresholds, "MAX_SPANS_ANALYSED", 2)
    monkeypatch.setattr(thresholds, "MAX_SPANS_PROFILED", 2)
    # Another span, so that the trace is noted as large: until then there is no analysis.
    put(connection, span("tool", "root", kind="tool", version=T0 * 2, **tool_times()))
    assert READERS[name]() is None
    db.session.rollback()
    assert analyse(connection, "default", "t")
    assert READERS[name]() == computed


def tool_times() -> dict[str, int]:
    return {"start_time": T0 + 90 * SECOND, "end_time": T0 + 99 * SECOND}
