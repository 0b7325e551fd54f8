"""Pure: applies the arriving records of one trace to it."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import msgspec

from tracer.merging.figures import Figures
from tracer.merging.spans import LIST_ALONE, Span, finish, merge, placeholder, precedence
from tracer.merging.traces import Trace, extend
from tracer.pricing.price_book import PriceBook
from tracer.records import RANK_IMPLIED, SpanPatch, SpanRecord, TraceRecord


class Arrivals(msgspec.Struct):
    """The records and patches of a batch for one trace."""

    trace_id: str
    records: dict[str, list[SpanRecord]] = msgspec.field(default_factory=lambda: defaultdict(list))
    patches: dict[str, list[SpanPatch]] = msgspec.field(default_factory=lambda: defaultdict(list))
    claims: list[TraceRecord] = []
    child_starts: dict[str, int] = {}
    """Parent id -> earliest start of its arriving children (µs)."""

    def add_record(self, record: SpanRecord) -> None:
        """Add one record."""
        self.records[record.span_id].append(record)
        self._expect(record.parent_span_id, record.span_id, record.start_time)

    def add_patch(self, patch: SpanPatch) -> None:
        """Add one patch; a parent in the patch belongs to the tree too."""
        self.patches[patch.span_id].append(patch)
        parent = patch.fields.get("parent_span_id")
        self._expect(parent, patch.span_id, patch.fields.get("start_time", patch.version))

    def _expect(self, parent: str | None, child: str, child_start: int) -> None:
        if parent is not None and parent != child:
            start = self.child_starts.get(parent)
            if start is None or child_start < start:
                self.child_starts[parent] = child_start

    def span_ids(self) -> set[str]:
        """Return the ids of all arriving spans and of their parents."""
        return self.records.keys() | self.patches.keys() | self.child_starts.keys()

    def of(self, span_id: str) -> tuple[list[SpanRecord], list[SpanPatch]]:
        """Return the records and patches of one span."""
        return self.records.get(span_id, []), self.patches.get(span_id, [])


class SessionContribution(msgspec.Struct, frozen=True):
    """The contribution of a trace to its session."""

    session_id: str | None
    start: int
    end: int
    error: bool
    running: bool
    spans: int
    tokens: int | None
    cost: Decimal | None

    @classmethod
    def of(cls, trace: Trace, figures: Figures) -> SessionContribution:
        """Return the current contribution of a trace, whose current figures these are."""
        return cls(
            session_id=figures.session_id,
            start=figures.start,
            end=figures.end,
            error=figures.status == "error",
            running=figures.status == "running",
            spans=trace.totals.counts["span_count"],
            tokens=sum(figures.usage.values()) if figures.has_usage else None,
            cost=figures.cost,
        )


class Change(msgspec.Struct):
    """The new state of a trace, and its spans that change."""

    trace: Trace
    contribution_before: SessionContribution | None
    """None: the trace is new."""
    figures_before: Figures | None
    """None: the trace is new."""
    before: dict[str, Span]
    """The stored spans that were read."""
    after: dict[str, Span] = {}
    """The spans to write, in their new state."""
    arrived_fields: frozenset[str] = frozenset()
    """Trace fields that arrived."""
    has_implied_fields: bool = False
    """Some were implied by a stand-in for the root: the root's own values may replace them."""
    ancestors_to_mark: set[str] = set()
    """Stored spans to be marked with their ancestors, as a span below them now has usage."""
    marks_to_check: set[str] = set()
    """Spans that are marked, but may have no span with usage below them any more."""
    new_bounds: bool = False
    """The earliest or the latest span moved inwards, so both bounds must be read again."""
    recounted: list[Span] = []
    """Stored spans whose usage was removed from the totals of the trace, or added again."""
    figures: Figures | None = None
    """Those after the change, once it is complete: making them takes 10 µs."""

    @classmethod
    def of(
        cls,
        trace: Trace,
        arrived: Arrivals,
        stored: dict[str, Span] | None,
        book: PriceBook = LIST_ALONE,
    ) -> Change:
        """Return the change that `arrived` makes to `trace`; `trace.claims` has it already.

        `stored` None: the trace is new. `book` has the prices of its project.
        """
        figures = None if stored is None else Figures.of(trace)
        contribution = None if figures is None else SessionContribution.of(trace, figures)
        for claim in arrived.claims:
            trace.claims.add(claim)
        stored = stored or {}
        return cls(
            trace,
            contribution,
            figures,
            stored,
            _merged(arrived, stored, book),
            arrived_fields=frozenset(field for claim in arrived.claims for field in claim.fields),
            has_implied_fields=any(claim.rank == RANK_IMPLIED for claim in arrived.claims),
        )

    @property
    def parents(self) -> set[str]:
        """The ids of the parents of the spans that change."""
        ids = (span.record.parent_span_id for span in self.after.values())
        return {parent for parent in ids if parent is not None}

    def final_figures(self) -> Figures:
        """Return the figures of the trace, once it is complete; they are computed only once."""
        if self.figures is None:
            self.figures = Figures.of(self.trace)
        return self.figures

    @property
    def contribution(self) -> SessionContribution:
        """The contribution of the trace, once it is complete, to its session."""
        return SessionContribution.of(self.trace, self.final_figures())

    def count(self) -> None:
        """Apply the changes of the spans to the sums of the trace."""
        totals, derived = self.trace.totals, self.trace.derived
        for span_id, span in self.after.items():
            old = self.before.get(span_id)
            if old is not None and not old.placeholder:
                totals.add(old, -1)
                self.new_bounds |= _touches_bounds(self.trace, old)
            totals.add(span)
        extend(derived, self.after.values())


def _merged(arrived: Arrivals, stored: dict[str, Span], book: PriceBook) -> dict[str, Span]:
    after: dict[str, Span] = {}
    for span_id, records in arrived.records.items():
        # Most spans arrive once, finished, and are not stored yet.
        if len(records) == 1 and span_id not in stored and span_id not in arrived.patches:
            record = records[0]
            after[span_id] = finish(record, version=precedence(record), patch={}, book=book)
    for span_id in (arrived.records.keys() | arrived.patches.keys()) - after.keys():
        old, start = stored.get(span_id), arrived.child_starts.get(span_id)
        span = merge(old, *arrived.of(span_id), start, book)
        if span is not None:
            span.usage_excluded = old is not None and old.usage_excluded
            after[span_id] = span
    for parent, start in arrived.child_starts.items():
        old = stored.get(parent)
        if parent in after or (old is not None and old.version is not None):
            continue
        span = (
            placeholder(arrived.trace_id, parent, start)
            if old is None
            else merge(old, [], [], start, book)
        )
        if span is not None:
            span.usage_excluded = old is not None and old.usage_excluded
            after[parent] = span
    return after


def _touches_bounds(trace: Trace, old: Span) -> bool:
    derived, record = trace.derived, old.record
    end = max(record.end_time or record.start_time, record.start_time)
    return record.start_time == derived.start or end == derived.end
