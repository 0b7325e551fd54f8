"""Records of one trace, drawn at random: spans, updates of spans, facts of the trace."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.support.traces.records import T0, span, trace_record
from tracer.merging.log_events import key_of
from tracer.records import SpanPatch, TraceRecord, process_of

# The parent of b is a, of c is b; the parent of d never arrives; e is its own parent; f and g are
# each other's parents.
PARENTS = {"a": None, "b": "a", "c": "b", "d": "missing", "e": "e", "f": "g", "g": "f"}

PATCHES: list[dict[str, Any]] = [
    {"output": "one"},
    {"output": "two"},
    {"end_time": T0 + 99},
    {"metadata": {"k": 1}},
    {"metadata": {"k": 2, "j": 3}},
    {"level": "error"},
    {"usage": {"input": 7}},
    {"name": None},
    {"parent_span_id": "a"},
    {"parent_span_id": "f"},
    {"parent_span_id": None},
]

RESOURCES: list[dict[str, Any]] = [{}, {"service.name": "p"}, {"service.name": "q"}]
"""Of two processes, and of none that is named."""

TRACE_FIELDS: list[dict[str, Any]] = [
    {"name": "n1"},
    {"name": "n2"},
    {"name": None},
    {"session_id": "s1"},
    {"session_id": "s2"},
    {"input": "in"},
    {"input": None},
    {"start_time": T0 - 5},
    {"user_id": "u"},
]


@st.composite
def span_records(draw: st.DrawFn) -> Any:
    """A full record of one of the spans, running or finished."""
    span_id = draw(st.sampled_from(sorted(PARENTS)))
    start = T0 + draw(st.integers(0, 20))
    end = draw(st.none() | st.integers(-3, 9).map(lambda delta: start + delta))
    dollars = draw(st.sampled_from([None, "0.10", "0"]))
    return span(
        span_id,
        PARENTS[span_id],
        start_time=start,
        end_time=end,
        version=end or start,
        kind=draw(st.sampled_from(["span", "generation"])),
        name=draw(st.sampled_from(["n", "m"])),
        level=draw(st.sampled_from(["default", "error", "warning"])),
        model=draw(st.sampled_from([None, "gpt-4o"])),
        usage=draw(st.sampled_from([{}, {"input": 3, "output": 2}, {"input": 0}])),
        cost={} if dollars is None else {"total": Decimal(dollars)},
        cost_source=None if dollars is None else "given",
        input=draw(st.sampled_from([None, "hi", {"a": [1, 2.5]}])),
        flags=draw(st.sampled_from([[], ["truncated"]])),
        resource=draw(st.sampled_from(RESOURCES)),
    )


@st.composite
def span_patches(draw: st.DrawFn) -> Any:
    """An update of a span, which may arrive before the span."""
    span_id = draw(st.sampled_from(sorted(PARENTS)))
    return SpanPatch(
        trace_id="t",
        span_id=span_id,
        version=T0 + draw(st.integers(0, 5)),
        fields=draw(st.sampled_from(PATCHES)),
    )


@st.composite
def log_event_patches(draw: st.DrawFn) -> SpanPatch:
    """An event of a span that arrives apart from it, as a log record does."""
    text = draw(st.sampled_from(["a", "b"]))
    field = draw(st.sampled_from(["input", "output", "finish_reasons"]))
    value: Any = (
        [text, {"n": 1}][: draw(st.integers(1, 2))] if field != "finish_reasons" else [text]
    )
    if field == "input" and draw(st.booleans()):
        value = text
    event = {
        "position": draw(st.integers(0, 1)),
        "size": 10,
        "name": "gen_ai.user.message",
        "time": None,
        "attributes": {"x": text},
        "fields": {field: [None if field == "finish_reasons" else "body", value]},
    }
    time = T0 + draw(st.integers(-3, 3))
    digest = f"{text}{field}{value!r:.30}"
    return SpanPatch(
        trace_id="t",
        span_id=draw(st.sampled_from(sorted(PARENTS))),
        version=time,
        fields={"logs": {key_of(time * 1_000, digest): event}},
    )


@st.composite
def trace_records(draw: st.DrawFn) -> TraceRecord:
    """Fields of the trace, as a span or an API request sets them."""
    record = trace_record(
        rank=draw(st.integers(0, 4)),
        version=T0 + draw(st.integers(0, 3)),
        **draw(st.sampled_from(TRACE_FIELDS)),
    )
    record.process = process_of(draw(st.sampled_from(RESOURCES)))
    record.by_root = draw(st.booleans())
    record.first = draw(st.none() | st.integers(T0 - 9, T0))
    record.tags = draw(st.lists(st.sampled_from(["x", "y"]), max_size=2))
    record.tag_edits = draw(st.dictionaries(st.sampled_from(["x", "z"]), st.booleans(), max_size=2))
    record.editor = draw(st.sampled_from(["", "Ada"]))
    record.metadata = draw(st.sampled_from([{}, {"m": 1}, {"m": 2}]))
    return record
