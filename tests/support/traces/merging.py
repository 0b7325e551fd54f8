"""A trace in memory: records arrive in batches and are merged, as the store does with rows."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from tracer.merging.arrivals import Arrivals, Change
from tracer.merging.spans import Span, canonical, underneath
from tracer.merging.traces import Derived, Trace, columns, extend
from tracer.records import SpanPatch, SpanRecord, TraceRecord

Item = SpanRecord | SpanPatch | TraceRecord


def arrivals(*items: Item) -> Arrivals:
    """Return the arrivals of one batch for the trace "t"."""
    arrived = Arrivals("t")
    for item in items:
        if isinstance(item, SpanRecord):
            arrived.add_record(item)
        elif isinstance(item, SpanPatch):
            arrived.add_patch(item)
        else:
            arrived.claims.append(item)
    return arrived


class MergedTrace:
    """A trace and its spans after some batches."""

    def __init__(self) -> None:
        self.trace = Trace.new()
        self.spans: dict[str, Span] = {}
        self._is_new = True

    def add(self, *items: Item) -> Change:
        """Merge one batch of records; return what it changed."""
        arrived = arrivals(*copy.deepcopy(items))
        stored = {key: self.spans[key] for key in arrived.span_ids() if key in self.spans}
        change = Change.of(self.trace, arrived, None if self._is_new else stored)
        change.count()
        self._is_new = False
        self.spans |= change.after
        if change.new_bounds:
            bounds = self.span_bounds()
            self.trace.derived.start, self.trace.derived.end = bounds
        return change

    def span_bounds(self) -> tuple[int | None, int | None]:
        """Return the earliest start and the latest end of all spans, counted anew."""
        counted = Derived()
        extend(counted, self.spans.values())
        return counted.start, counted.end

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the trace's row and its spans, in a form that can be compared."""
        spans = {key: msgspec.to_builtins(span) for key, span in sorted(self.spans.items())}
        for key, span in self.spans.items():
            spans[key]["sent"] = canonical(underneath(span))
        return columns(self.trace), spans
