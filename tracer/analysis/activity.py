"""The activity profile of a trace: spans at work per time bucket, failures and idle times."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

import msgspec

from tracer.analysis.forest import Forest

BUCKETS = 200
"""Equal parts of the trace's duration; the minimap has room for about this many."""
MAX_IDLE_INTERVALS = 30
"""Greatest number of idle times in a profile."""
# Part of the trace's duration: hiding a shorter idle time gains no space on the time axis.
_MIN_IDLE_SHARE = 0.02


class WorkInterval(NamedTuple):
    """When a span was itself at work, not waiting for its children; µs since the epoch."""

    start: int
    end: int
    kind: str
    failed: bool


class IdleInterval(NamedTuple):
    """A time in which no span was at work, in µs after the start of the trace."""

    start: int
    end: int


class ActivityProfile(msgspec.Struct, frozen=True):
    """Counts for each of `BUCKETS` equal parts of a trace's duration."""

    start: int
    """µs since the epoch."""
    end: int
    counts: list[int]
    """Spans at work in each bucket, including spans without duration."""
    errors: list[int]
    """Failed spans among `counts`."""
    kinds: list[str]
    """The most frequent kind in each bucket; empty: no span was at work."""
    idle: list[IdleInterval]
    """The longest idle times, in time order; at most `MAX_IDLE_INTERVALS`."""

    @property
    def idle_share(self) -> float:
        """The part of the duration that `idle` covers, 0 to 1."""
        return sum(idle.end - idle.start for idle in self.idle) / max(self.end - self.start, 1)


def activity_profile(intervals: Iterable[WorkInterval], start: int, end: int) -> ActivityProfile:
    """Return the profile of a trace that lasted from `start` to `end` (µs since the epoch)."""
    length = max(end - start, 1)
    changes: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (BUCKETS + 1))
    failures = [0] * (BUCKETS + 1)
    busy_times: list[tuple[int, int]] = []
    for began, ended, kind, failed in intervals:
        began, ended = began - start, ended - start
        # A span that ends where a bucket begins is not counted there, unless it has no duration.
        first = began * BUCKETS // length
        last = (ended - (ended > began)) * BUCKETS // length
        if first < 0 or last >= BUCKETS:
            # Clocks differ, or the trace has grown since its start and end were read.
            first, last = (min(max(bucket, 0), BUCKETS - 1) for bucket in (first, last))
        # Only the first and last bucket are touched, so a long span costs no more than a short one.
        change = changes[kind]
        change[first] += 1
        change[last + 1] -= 1
        if failed:
            failures[first] += 1
            failures[last + 1] -= 1
        busy_times.append((began, ended))
    by_kind = {kind: list(accumulate(change))[:BUCKETS] for kind, change in changes.items()}
    kind_counts = [
        Counter({kind: counts[bucket] for kind, counts in by_kind.items()})
        for bucket in range(BUCKETS)
    ]
    counts = [counter.total() for counter in kind_counts]
    return ActivityProfile(
        start=start,
        end=end,
        counts=counts,
        errors=list(accumulate(failures))[:BUCKETS],
        kinds=[
            max(sorted(counter), key=counter.__getitem__) if count else ""
            for counter, count in zip(kind_counts, counts, strict=True)
        ],
        idle=_longest(_gaps(busy_times, end - start), length),
    )


def profile_of_forest(forest: Forest) -> ActivityProfile:
    """Return the activity profile of a whole trace."""
    intervals = (
        WorkInterval(
            forest.starts[position],
            forest.ends[position],
            forest.kinds[position],
            forest.levels[position] == "error",
        )
        for position in _working_positions(forest)
    )
    return activity_profile(intervals, min(forest.starts, default=0), max(forest.ends, default=0))


def _working_positions(forest: Forest) -> Iterator[int]:
    """Yield positions of spans at work: leaves, and running spans whose children have all ended."""
    waiting = bytearray(len(forest))
    for position, parent in enumerate(forest.parents):
        if parent >= 0 and (forest.running[position] or not forest.running[parent]):
            waiting[parent] = 1
    for position, placeholder in enumerate(forest.placeholders):
        if not placeholder and not waiting[position]:
            yield position


def _gaps(busy_times: list[tuple[int, int]], length: int) -> Iterator[IdleInterval]:
    """Yield the times between 0 and `length` (µs) that no interval covers."""
    if not busy_times:
        return
    busy_times.sort()
    covered_until = 0
    for start, end in busy_times:
        if start > covered_until:
            yield IdleInterval(covered_until, min(start, length))
        covered_until = max(covered_until, end)
    if covered_until < length:
        yield IdleInterval(covered_until, length)


def _longest(gaps: Iterable[IdleInterval], length: int) -> list[IdleInterval]:
    long = [gap for gap in gaps if gap.end - gap.start >= length * _MIN_IDLE_SHARE]
    kept = sorted(long, key=lambda gap: gap.start - gap.end)[:MAX_IDLE_INTERVALS]
    return sorted(kept)
