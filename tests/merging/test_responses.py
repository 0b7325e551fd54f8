"""One response that several spans report counts once, with the details of whichever has them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.traces.records import span
from tracer.merging.repeats import decide_excluded_in_trace
from tracer.merging.reports import node_of
from tracer.merging.spans import Span

REPORTS = (
    {"input": 100, "output": 50},
    {"input": 60, "cache_read": 40, "output": 50},
    {"input": 60, "cache_read": 30, "cache_write": 10, "output": 20, "reasoning": 30},
)
"""One response in more and more types of tokens."""


@given(
    reports=st.lists(st.none() | st.sampled_from(REPORTS), min_size=1, max_size=6), data=st.data()
)
def test_of_nested_reports_of_a_response_the_fullest_counts_alone(
    reports: list[dict[str, int] | None], data: st.DataObject
) -> None:
    # Each span is below the one before it; one without a report has no usage.
    records = [
        span(
            str(number),
            str(number - 1) if number else None,
            kind=data.draw(st.sampled_from(["generation", "span", "agent"])),
            usage=usage or {},
            call_id="msg_1",
        )
        for number, usage in enumerate(reports)
    ]
    nodes = {record.span_id: node_of(Span(record=record)) for record in records}
    excluded = decide_excluded_in_trace(nodes)
    counted = [record.usage for record in records if excluded.get(record.span_id) is False]
    sent = [usage for usage in reports if usage]
    assert counted == ([max(sent, key=len)] if sent else [])
