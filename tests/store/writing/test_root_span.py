"""The fields of a trace that follow from single spans of it: its root, its first error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.traces.merging import MergedTrace
from tests.support.traces.records import T0, span
from tracer.merging.traces import Derived
from tracer.store.writing.root_span import from_spans


def derived(*records: Any) -> Derived:
    merged = MergedTrace()
    merged.add(*records)
    from_spans(merged.trace, merged.spans.values())
    return merged.trace.derived


def test_the_root_is_the_first_span_without_a_parent() -> None:
    late, early = span("late", start_time=T0 + 5), span("early", start_time=T0 + 1, output="done")
    fields = derived(late, early, span("child", "early", start_time=T0))
    assert (fields.root_span_id, fields.root_name, fields.rootless) == ("early", "early", False)
    assert fields.output_preview == "done"


def test_of_roots_that_start_at_once_the_lesser_id_counts() -> None:
    assert derived(span("b"), span("a")).root_span_id == "a"


def test_without_a_root_the_first_span_below_the_first_missing_one_stands_in() -> None:
    fields = derived(
        span("other", "missing later", start_time=T0 + 1),
        span("second", "missing", start_time=T0 + 3),
        span("first", "missing"),
    )
    assert (fields.root_span_id, fields.rootless) == ("first", True)


def test_a_trace_without_spans_has_no_root() -> None:
    fields = derived()
    assert (fields.root_span_id, fields.rootless, fields.error_message) == (None, True, None)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("no such\n  order", "no such order"),
        ("x" * 500, "x" * 200),
        ("", "second"),
        (None, "second"),
    ],
)
def test_the_first_failed_span_gives_the_error_message_as_one_line(
    message: str | None, shown: str
) -> None:
    fields = derived(
        span("first"),
        span("third", start_time=T0 + 2, level="error", status_message="too late"),
        span("second", start_time=T0 + 1, level="error", status_message=message),
    )
    assert fields.error_message == shown
