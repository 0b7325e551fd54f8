"""The first token of a call came within its span, or is marked."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.wire.otlp import decode_json
from tracer.records import CLOCK_TOLERANCE, SpanRecord

START = 1_767_225_600_000_000

NAMES = {
    "gen_ai.server.time_to_first_token": 1_000_000,
    "gen_ai.response.time_to_first_chunk": 1_000_000,
    "ai.response.msToFirstChunk": 1_000,
}
"""Attributes, and how many microseconds a unit of each is by its convention."""


def read(duration: int | None, attributes: dict[str, float | str]) -> SpanRecord:
    span: dict[str, Any] = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "chat",
        "startTimeUnixNano": str(START * 1_000),
        "endTimeUnixNano": str((START + duration) * 1_000) if duration is not None else "0",
        "attributes": [
            {
                "key": key,
                "value": {"stringValue" if isinstance(value, str) else "doubleValue": value},
            }
            for key, value in attributes.items()
        ],
    }
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    return decode_json(request).batch.spans[0]


@given(
    st.sampled_from(sorted(NAMES)),
    st.integers(0, 600_000_000),
    st.integers(0, 600_000_000),
    st.sampled_from([1_000, 1_000_000]),
)
def test_a_delay_counts_in_the_unit_that_lies_within_the_span(
    name: str, delay: int, duration: int, unit: int
) -> None:
    record = read(duration, {name: delay / unit})
    conventional = int(delay / unit * NAMES[name])
    other = int(delay / unit * 1_000)
    if record.first_token_time is None:
        assert min(conventional, other) > duration
        assert record.flags == ["first_token_outside"]
        assert name in record.attributes
    else:
        sent = record.first_token_time - START
        assert 0 <= sent <= duration
        assert record.flags == []
        if conventional <= duration:
            assert abs(sent - conventional) <= 1
        else:
            assert min(abs(sent - other), abs(sent - conventional)) <= CLOCK_TOLERANCE


def test_a_running_span_has_no_end_to_compare_with() -> None:
    record = read(None, {"gen_ai.server.time_to_first_token": 42.0})
    assert record.first_token_time == START + 42_000_000
    assert record.flags == []


def test_a_time_that_was_sent_is_kept_and_marked_where_it_lies_outside() -> None:
    name = "langfuse.observation.completion_start_time"
    within = read(2_000_000, {name: "2026-01-01T00:00:02.000500Z"})
    assert (within.first_token_time, within.flags) == (START + 2_000_500, [])
    for time in ("2026-01-01T00:00:03Z", "2025-12-31T23:59:59Z"):
        outside = read(2_000_000, {name: time})
        assert outside.first_token_time is not None
        assert outside.flags == ["first_token_outside"]
