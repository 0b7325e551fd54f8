"""Highlights of a trace: what failed and why, what took longest, and what cost most."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from tracer.analysis.findings.finding import Finding
from tracer.analysis.headline import FAMILY

MOST_FAILED: Final = 5_000
"""Failed spans that are compared; later ones are only counted."""
MOST_CAUSES: Final = 20
_CANDIDATES: Final = 20
_SHOWN: Final = 20
_DIGITS: Final = re.compile(r"\d+")


class Step(NamedTuple):
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


Ranked = tuple[Decimal, int, Step]
"""The value by which spans are ranked, the negative number of the span, the span."""


class Highlighter:
    """Collects highlights from the spans of a trace, which are added in time order."""

    def __init__(self) -> None:
        self._failed: dict[str, Step] = {}
        self._failed_count = 0
        self._work: list[Ranked] = []
        self._leaves: list[Ranked] = []
        self._dearest: list[Ranked] = []
        self._leaf_ids: set[str] = set()
        """Ids of the spans in `_leaves` that have no children."""
        self._number = 0
        self._cost = Decimal(0)
        self._start: int | None = None
        self._end = 0

    def add(self, step: Step) -> None:
        """Take the next span into account."""
        self._number += 1
        self._start = step.start if self._start is None else min(self._start, step.start)
        self._end = max(self._end, step.start, step.end or 0)
        if step.level == "error":
            self._failed_count += 1
            if len(self._failed) < MOST_FAILED:
                self._failed[step.span_id] = step
        if step.parent_span_id in self._leaf_ids:
            self._leaf_ids.discard(step.parent_span_id)
        if step.end is not None:
            self._add_time(step, step.end)
        if step.cost and step.kind == "generation":
            self._cost += step.cost
            _keep(self._dearest, (step.cost, -self._number, step))

    def _add_time(self, step: Step, end: int) -> None:
        # Work is what a model, a tool or a search does; an agent only waits for it. A trace without
        # such spans has leaves.
        ranked = Decimal(end - step.start), -self._number, step
        if step.kind in FAMILY:
            _keep(self._work, ranked)
            return
        self._leaf_ids.add(step.span_id)
        dropped = _keep(self._leaves, ranked)
        if dropped is not None:
            self._leaf_ids.discard(dropped[2].span_id)

    def result(self) -> list[Finding]:
        """Return the highlights: failures by time, then the slowest and the dearest span."""
        return [*self._failures(), *self._slow(), *self._dear()]

    def _failures(self) -> Iterator[Finding]:
        """Yield one highlight for each cause; equal causes are one, with all of their spans."""
        passed_on = {step.parent_span_id for step in self._failed.values()}
        causes = [step for step in self._failed.values() if step.span_id not in passed_on]
        alike: dict[tuple[str, str], list[Step]] = {}
        for cause in sorted(causes, key=lambda step: step.end or step.start):
            key = (cause.name, _DIGITS.sub("0", cause.message or ""))
            alike.setdefault(key, []).append(cause)
        # What reached the root explains the trace: it comes first.
        groups = sorted(alike.values(), key=lambda group: not self._reaches_root(group[0]))
        for group in groups[:MOST_CAUSES]:
            yield self._failure(group)

    def _failure(self, group: list[Step]) -> Finding:
        first, chain = group[0], self._chain(group[0])
        times = f" {len(group):,} times" if len(group) > 1 else ""
        reason = f": {first.message[:300]}" if first.message else ""
        title = f"{first.name or 'A span'} failed{times}{reason}"
        spans = [step.span_id for step in (*chain, *group[1:])]
        return Finding(
            kind="failed",
            title=title,
            detail=self._effect(chain),
            spans=spans[:_SHOWN],
            count=len(spans),
        )

    def _effect(self, chain: list[Step]) -> str:
        names = [step.name or "unnamed" for step in chain[1:]]
        if not names:
            return "The span that called it went on."
        reached = f"Passed on by {', then '.join(names[:5])}"
        if len(names) > 5:
            reached += f" and {len(names) - 5} more"
        ended = "the trace failed with it" if chain[-1].parent_span_id is None else "no further"
        return f"{reached}: {ended}."

    def _chain(self, cause: Step) -> list[Step]:
        """Return the failed call and the failed spans above it."""
        chain, seen = [cause], {cause.span_id}
        while (parent := self._failed.get(chain[-1].parent_span_id or "")) is not None:
            if parent.span_id in seen:
                break
            seen.add(parent.span_id)
            chain.append(parent)
        return chain

    def _reaches_root(self, cause: Step) -> bool:
        return self._chain(cause)[-1].parent_span_id is None

    def _slow(self) -> Iterator[Finding]:
        length = self._end - (self._start or 0)
        leaves = [item for item in self._leaves if item[2].span_id in self._leaf_ids]
        work = [(int(took), step) for took, _, step in sorted(self._work or leaves, reverse=True)]
        if self._number < 3 or not work or not length:
            return
        took, step = work[0]
        title = f"{step.name or 'A span'} took {_seconds(took)} of {_seconds(length)}"
        detail = f"{took / length:.0%} of the time of the trace."
        next_ids = [other.span_id for _, other in work[1:3]]
        yield Finding(
            kind="slowest",
            title=title,
            detail=detail,
            spans=[step.span_id, *next_ids],
            count=1 + len(next_ids),
        )

    def _dear(self) -> Iterator[Finding]:
        ranked = sorted(self._dearest, reverse=True)
        if len(ranked) < 2:
            return
        cost, _, step = ranked[0]
        title = f"{step.name or 'A model call'} cost ${cost:.4f} of ${self._cost:.4f}"
        detail = f"{float(cost / self._cost):.0%} of the cost of the trace."
        spans = [step.span_id for _, _, step in ranked[:3]]
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
