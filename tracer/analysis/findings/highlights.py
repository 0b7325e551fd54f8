"""Highlights of a trace: what failed and why, what took longest, and what cost most."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from tracer.analysis.families import FAMILY_OF_KIND
from tracer.analysis.findings.finding import Finding

MAX_FAILED: Final = 5_000
"""Failed spans that are compared; later ones are only counted."""
MAX_CAUSES: Final = 20
_CANDIDATES: Final = 20
"""Slowest and dearest spans that are kept: some of these leaves may turn out to be parents."""
_MAX_SHOWN: Final = 20
_DIGITS: Final = re.compile(r"\d+")


class HighlightSpan(NamedTuple):
    """The fields of one span from which highlights are made; times in µs."""

    span_id: str
    parent_span_id: str | None
    kind: str
    name: str
    level: str
    start: int
    end: int | None
    message: str | None
    cost: Decimal | None


Ranked = tuple[Decimal, int, HighlightSpan]
"""The value by which spans are ranked, the negative index of the span (earlier first), the span."""


class Highlighter:
    """Collects highlights from the spans of a trace, which are added in time order."""

    def __init__(self) -> None:
        self._failed: dict[str, HighlightSpan] = {}
        self._failed_count = 0
        self._work: list[Ranked] = []
        self._leaves: list[Ranked] = []
        self._dearest: list[Ranked] = []
        self._leaf_ids: set[str] = set()
        """Ids of the spans in `_leaves` that have no children."""
        self._count = 0
        self._cost = Decimal(0)
        self._start: int | None = None
        self._end = 0

    def add(self, span: HighlightSpan) -> None:
        """Process the next span."""
        self._count += 1
        self._start = span.start if self._start is None else min(self._start, span.start)
        self._end = max(self._end, span.start, span.end or 0)
        if span.level == "error":
            self._failed_count += 1
            if len(self._failed) < MAX_FAILED:
                self._failed[span.span_id] = span
        if span.parent_span_id in self._leaf_ids:
            self._leaf_ids.discard(span.parent_span_id)
        if span.end is not None:
            self._add_time(span, span.end)
        if span.cost and span.kind == "generation":
            self._cost += span.cost
            _keep(self._dearest, (span.cost, -self._count, span))

    def _add_time(self, span: HighlightSpan, end: int) -> None:
        # Work is what a model, a tool or a search does; an agent only waits for it. A trace without
        # such spans has leaves.
        ranked = Decimal(end - span.start), -self._count, span
        if span.kind in FAMILY_OF_KIND:
            _keep(self._work, ranked)
            return
        self._leaf_ids.add(span.span_id)
        dropped = _keep(self._leaves, ranked)
        if dropped is not None:
            self._leaf_ids.discard(dropped[2].span_id)

    def result(self) -> list[Finding]:
        """Return the highlights: failures by time, then the slowest and the dearest span."""
        return [*self._failures(), *self._slowest_finding(), *self._dearest_finding()]

    def _failures(self) -> Iterator[Finding]:
        """Yield one highlight for each cause; equal causes are one, with all of their spans."""
        passed_on = {span.parent_span_id for span in self._failed.values()}
        causes = [span for span in self._failed.values() if span.span_id not in passed_on]
        alike: dict[tuple[str, str], list[HighlightSpan]] = {}
        for cause in sorted(causes, key=lambda span: span.end or span.start):
            key = (cause.name, _DIGITS.sub("0", cause.message or ""))
            alike.setdefault(key, []).append(cause)
        # What reached the root explains the trace: it comes first.
        groups = sorted(alike.values(), key=lambda group: not self._reaches_root(group[0]))
        for group in groups[:MAX_CAUSES]:
            yield self._failure(group)

    def _failure(self, group: list[HighlightSpan]) -> Finding:
        first, chain = group[0], self._chain(group[0])
        times = f" {len(group):,} times" if len(group) > 1 else ""
        reason = f": {first.message[:300]}" if first.message else ""
        title = f"{first.name or 'A span'} failed{times}{reason}"
        spans = [span.span_id for span in (*chain, *group[1:])]
        return Finding(
            kind="failed",
            title=title,
            detail=self._effect(chain),
            spans=spans[:_MAX_SHOWN],
            count=len(spans),
        )

    def _effect(self, chain: list[HighlightSpan]) -> str:
        names = [span.name or "unnamed" for span in chain[1:]]
        if not names:
            return "The span that called it went on."
        reached = f"Passed on by {', then '.join(names[:5])}"
        if len(names) > 5:
            reached += f" and {len(names) - 5} more"
        ended = "the trace failed with it" if chain[-1].parent_span_id is None else "no further"
        return f"{reached}: {ended}."

    def _chain(self, cause: HighlightSpan) -> list[HighlightSpan]:
        """Return the failed call and the failed spans above it."""
        chain, seen = [cause], {cause.span_id}
        while (parent := self._failed.get(chain[-1].parent_span_id or "")) is not None:
            if parent.span_id in seen:
                break
            seen.add(parent.span_id)
            chain.append(parent)
        return chain

    def _reaches_root(self, cause: HighlightSpan) -> bool:
        return self._chain(cause)[-1].parent_span_id is None

    def _slowest_finding(self) -> Iterator[Finding]:
        length = self._end - (self._start or 0)
        leaves = [item for item in self._leaves if item[2].span_id in self._leaf_ids]
        work = [(int(took), span) for took, _, span in sorted(self._work or leaves, reverse=True)]
        if self._count < 3 or not work or not length:
            return
        took, span = work[0]
        title = f"{span.name or 'A span'} took {_seconds(took)} of {_seconds(length)}"
        detail = f"{100 * took / length:.0f} % of the time of the trace."
        next_ids = [other.span_id for _, other in work[1:3]]
        yield Finding(
            kind="slowest",
            title=title,
            detail=detail,
            spans=[span.span_id, *next_ids],
            count=1 + len(next_ids),
        )

    def _dearest_finding(self) -> Iterator[Finding]:
        ranked = sorted(self._dearest, reverse=True)
        if len(ranked) < 2:
            return
        cost, _, span = ranked[0]
        title = f"{span.name or 'A model call'} cost ${cost:.4f} of ${self._cost:.4f}"
        detail = f"{float(100 * cost / self._cost):.0f} % of the cost of the trace."
        spans = [span.span_id for _, _, span in ranked[:3]]
        yield Finding(kind="dearest", title=title, detail=detail, spans=spans, count=len(spans))


def _keep(heap: list[Ranked], item: Ranked) -> Ranked | None:
    """Keep the largest items; return the one that is dropped."""
    if len(heap) >= _CANDIDATES:
        return heapq.heappushpop(heap, item)
    heapq.heappush(heap, item)
    return None


def _seconds(micros: int) -> str:
    if micros < 1_000_000:
        return f"{micros / 1e3:.3g} ms"
    return f"{micros / 1e6:.3g} s" if micros < 600_000_000 else f"{micros / 6e7:,.0f} min"
