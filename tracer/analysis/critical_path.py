"""The critical path: which spans the end of a trace waited for, and for how long each.

The walk goes back in time from the end of a span: the child that finished last is what the span
waited for; before that child began, it waited for the one that had finished last by then, and so
on; what no such child explains is the span's own share. A child that still ran when a later one
began runs beside the path. This is the algorithm of Jaeger's trace view. Children are cut to
their parent's time, so that the shares of a root's tree add up to the root's duration exactly.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from tracer.analysis.forest import Forest


class CriticalPath:
    """What each span of a forest has on the path, by position (µs)."""

    __slots__ = ("idle", "own", "whole")

    own: array[int]
    """What the span has itself; 0: nothing."""
    whole: array[int]
    """What the span and everything below it has; above 0: the path leads through it."""
    idle: int
    """What no root explains: the time between several roots."""

    def __init__(self, forest: Forest) -> None:
        """Walk the path of all roots, from the last end back to the first start."""
        # The last one stands for what lies above the roots, as position -1.
        self.own = array("q", [0]) * (len(forest) + 1)
        self._walk(forest)
        self.idle = self.own.pop()
        self.whole = array("q", self.own)
        for at in range(len(forest) - 1, -1, -1):
            if forest.parents[at] >= 0:
                self.whole[forest.parents[at]] += self.whole[at]

    def _walk(self, forest: Forest) -> None:
        first = min((forest.starts[at] for at in forest.roots()), default=0)
        last = max((forest.ends[at] for at in forest.roots()), default=0)
        # A stack of our own: chains are deeper than Python recurses.
        ahead = [self._through(forest, -1, first, last)]
        while ahead:
            step = next(ahead[-1], None)
            if step is None:
                ahead.pop()
            else:
                ahead.append(self._through(forest, *step))

    def _through(
        self, forest: Forest, at: int, start: int, end: int
    ) -> Iterator[tuple[int, int, int]]:
        """Yield the children that `at` waited for between two times, with the times of each.

        Only those that have children themselves: of a leaf it is all said here.
        """
        starts, ends, sizes = forest.starts, forest.ends, forest.sizes
        children = forest.children(at) if at >= 0 else forest.roots()
        now = end
        # Sorting keeps the earlier of two that end together in front, which is the longer one.
        for child in sorted(children, key=lambda child: min(ends[child], end), reverse=True):
            child_start, child_end = max(starts[child], start), min(ends[child], end)
            if child_start < child_end <= now:
                self.own[at] += now - child_end
                if sizes[child] > 1:
                    yield child, child_start, child_end
                else:
                    self.own[child] += child_end - child_start
                now = child_start
        self.own[at] += now - start
