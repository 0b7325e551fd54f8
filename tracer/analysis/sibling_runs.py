"""Long runs of like siblings, each told as one: what a page of rows can't see whole."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from decimal import Decimal
from statistics import median_low
from typing import Final, NamedTuple

import msgspec

from tracer.analysis.critical_path import CriticalPath
from tracer.analysis.forest import Forest
from tracer.analysis.whole import Whole

LEAST: Final = 25
"""Shorter ones are seldom cut by the end of a page, and are told by what is on it."""
_APART: Final = 300
"""Stretches of the critical path nearer than this part of the run's time are told as one."""

Stretches = list[tuple[int, int]]
"""(start, end) in µs since the epoch, in order."""


class LongRun(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbours below one parent with one name and kind, all ended. Times in µs since the epoch.

    Tokens and cost are those of the spans and of all that is below them.
    """

    first_id: str
    last_id: str
    last_start: int
    ends_level: bool
    """No sibling follows it."""
    count: int
    errors: int
    end: int
    """When the last of them had ended."""
    p50: int
    """The median of how long they took (µs)."""
    tokens: int | None
    cost: Decimal | None
    critical: Stretches
    """Where the critical path leads through them."""


class _Found(NamedTuple):
    """A run by positions."""

    first: int
    last: int
    length: int
    ends_level: bool


def long_runs(whole: Whole) -> Iterator[LongRun]:
    """Yield the runs of at least LEAST spans."""
    forest, sums, path = whole.forest, whole.sums, whole.path
    for found in _find(forest):
        at = list(_members(forest, found))
        tokens = [told for one in at if (told := sums[one].tokens) is not None]
        costs = [dollars for one in at if (dollars := sums[one].cost) is not None]
        end = max(forest.ends[one] for one in at)
        yield LongRun(
            first_id=forest.ids[found.first],
            last_id=forest.ids[found.last],
            last_start=forest.starts[found.last],
            ends_level=found.ends_level,
            count=found.length,
            errors=sum(forest.levels[one] == "error" for one in at),
            end=end,
            p50=median_low([forest.ends[one] - forest.starts[one] for one in at]),
            tokens=sum(tokens) if tokens else None,
            cost=sum(costs, Decimal(0)) if costs else None,
            critical=_critical(forest, path, at, (end - forest.starts[found.first]) // _APART),
        )


def _find(forest: Forest) -> Iterator[_Found]:
    # By parent, that of roots last (-1): siblings come in order, with what is below in between.
    firsts = array("i", [-1]) * (len(forest) + 1)
    lasts, counts = array("i", firsts), array("i", [0]) * len(firsts)
    kinds, names = forest.kinds, forest.names
    for at, parent in enumerate(forest.parents):
        count, before = counts[parent], lasts[parent]
        loose = forest.running[at] or forest.placeholders[at]
        if count and not loose and names[at] == names[before] and kinds[at] == kinds[before]:
            counts[parent] += 1
        else:
            if count >= LEAST:
                yield _Found(firsts[parent], before, count, ends_level=False)
            firsts[parent], counts[parent] = at, 0 if loose else 1
        lasts[parent] = at
    for first, last, count in zip(firsts, lasts, counts, strict=True):
        if count >= LEAST:
            yield _Found(first, last, count, ends_level=True)


def _members(forest: Forest, run: _Found) -> Iterator[int]:
    at = run.first
    for _ in range(run.length):
        yield at
        at += forest.sizes[at]


def _critical(forest: Forest, path: CriticalPath, at: list[int], apart: int) -> Stretches:
    """Return where the path leads through these siblings: through each from its start on."""
    parent = forest.parents[at[0]]
    known = parent >= 0 and not forest.placeholders[parent]
    earliest = forest.starts[parent] if known else forest.starts[at[0]]
    merged = array("q")
    for one in at:
        if path.whole[one]:
            start = max(forest.starts[one], earliest)
            if merged and start - merged[-1] <= apart:
                merged[-1] = max(merged[-1], start + path.whole[one])
            else:
                merged.extend((start, start + path.whole[one]))
    return list(zip(merged[::2], merged[1::2], strict=True))
