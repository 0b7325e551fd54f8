"""A trace in outline: how much went on when, where it failed, and when nothing went on at all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

import msgspec

from tracer.analysis.forest import Forest

BUCKETS = 200
"""Of a trace's time: about as many as a drawing of it has room for."""
MOST_IDLE = 30
_LEAST_IDLE = 0.02  # of the trace's time; less than that is no relief to a reader


class Mark(NamedTuple):
    """A span at work, in µs since the epoch: one that waits for spans below it leaves no mark."""

    start: int
    end: int
    kind: str
    failed: bool


class Idle(NamedTuple):
    """A time in which no span was at work, in µs after the start of the trace."""

    start: int
    end: int


class Outline(msgspec.Struct, frozen=True):
    """The time of a trace in `BUCKETS` equal parts."""

    start: int
    """µs since the epoch."""
    end: int
    counts: list[int]
    """Spans at work in each bucket, those of an instant included."""
    errors: list[int]
    """Of them, those that failed."""
    kinds: list[str]
    """The kind of most of them; empty: there is none."""
    idle: list[Idle]
    """The longest idle times in order of time; at most `MOST_IDLE`."""

    @property
    def idle_share(self) -> float:
        """The part of the time that `idle` covers, 0 to 1."""
        return sum(idle.end - idle.start for idle in self.idle) / max(self.end - self.start, 1)


def outline(marks: Iterable[Mark], start: int, end: int) -> Outline:
    """Return the outline of a trace that lasted from `start` to `end` (µs since the epoch)."""
    length = max(end - start, 1)
    changes: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (BUCKETS + 1))
    failures = [0] * (BUCKETS + 1)
    busy: list[tuple[int, int]] = []
    for began, ended, kind, failed in marks:
        began, ended = began - start, ended - start
        # A span that ends where a bucket begins is not in it, unless it is an instant there.
        first = began * BUCKETS // length
        last = (ended - (ended > began)) * BUCKETS // length
        if first < 0 or last >= BUCKETS:
            # Clocks differ, or the trace has grown since its times were read.
            first, last = (min(max(bucket, 0), BUCKETS - 1) for bucket in (first, last))
        # Only where a span begins and ends something changes, however long it is.
        change = changes[kind]
        change[first] += 1
        change[last + 1] -= 1
        if failed:
            failures[first] += 1
            failures[last + 1] -= 1
        busy.append((began, ended))
    by_kind = {kind: list(accumulate(change))[:BUCKETS] for kind, change in changes.items()}
    most = [Counter({kind: counts[n] for kind, counts in by_kind.items()}) for n in range(BUCKETS)]
    counts = [found.total() for found in most]
    return Outline(
        start=start,
        end=end,
        counts=counts,
        errors=list(accumulate(failures))[:BUCKETS],
        kinds=[
            max(sorted(found), key=found.__getitem__) if count else ""
            for found, count in zip(most, counts, strict=True)
        ],
        idle=_longest(_gaps(busy, end - start), length),
    )


def of_forest(forest: Forest) -> Outline:
    """Return the outline of a whole trace."""
    marks = (
        Mark(forest.starts[at], forest.ends[at], forest.kinds[at], forest.levels[at] == "error")
        for at in _working(forest)
    )
    return outline(marks, min(forest.starts, default=0), max(forest.ends, default=0))


def _working(forest: Forest) -> Iterator[int]:
    """Yield the spans that wait for nobody: leaves, and those that run on after their children."""
    waiting = bytearray(len(forest))
    for at, parent in enumerate(forest.parents):
        if parent >= 0 and (forest.running[at] or not forest.running[parent]):
            waiting[parent] = 1
    for at, missing in enumerate(forest.placeholders):
        if not missing and not waiting[at]:
            yield at


def _gaps(busy: list[tuple[int, int]], length: int) -> Iterator[Idle]:
    """Yield the times between 0 and `length` that none of the intervals covers."""
    if not busy:
        return
    busy.sort()
    reached = 0
    for start, end in busy:
        if start > reached:
            yield Idle(reached, min(start, length))
        reached = max(reached, end)
    if reached < length:
        yield Idle(reached, length)


def _longest(gaps: Iterable[Idle], length: int) -> list[Idle]:
    long = [gap for gap in gaps if gap.end - gap.start >= length * _LEAST_IDLE]
    kept = sorted(long, key=lambda gap: gap.start - gap.end)[:MOST_IDLE]
    return sorted(kept)
