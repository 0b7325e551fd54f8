"""The critical path: the spans that determine the end of a trace, with the time each adds.

The walk goes back in time from the end of a span. The span waited for the child that finished
last; before that child began, it waited for the child that had finished last by then, and so on.
The remaining time is the span's own. A child that still ran when the next child on the path began
is not on the path. This is the algorithm of Jaeger's trace view. Children are clipped to their
parent's time, so that the times of a root's tree add up to the root's duration exactly.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from tracer.analysis.forest import Forest


class CriticalPath:
    """The time of each span on the critical path, by position in the forest (µs)."""

    __slots__ = ("idle", "own", "subtree")

    own: array[int]
    """Time of the span itself; 0: it is not on the path."""
    subtree: array[int]
    """Time of the span and its descendants; above 0: the path leads through its subtree."""
    idle: int
    """Time between several roots, in which no root was running."""

    def __init__(self, forest: Forest) -> None:
        """Walk the path of all roots, from the last end back to the first start."""
        # Position -1 collects the time that lies between the roots.
        self.own = array("q", [0]) * (len(forest) + 1)
        self._walk(forest)
        self.idle = self.own.pop()
        self.subtree = array("q", self.own)
        for position in range(len(forest) - 1, -1, -1):
            if forest.parents[position] >= 0:
                self.subtree[forest.parents[position]] += self.subtree[position]

    def _walk(self, forest: Forest) -> None:
        first = min((forest.starts[position] for position in forest.roots()), default=0)
        last = max((forest.ends[position] for position in forest.roots()), default=0)
        # An explicit stack: chains of spans can be deeper than Python's recursion limit.
        stack = [self._walk_children(forest, -1, first, last)]
        while stack:
            visit = next(stack[-1], None)
            if visit is None:
                stack.pop()
            else:
                stack.append(self._walk_children(forest, *visit))

    def _walk_children(
        self, forest: Forest, position: int, start: int, end: int
    ) -> Iterator[tuple[int, int, int]]:
        """Add up the path between two times within one span; yield the children to descend into.

        A leaf is accounted for here; only a child that has children is yielded, with its time on
        the path.
        """
        starts, ends, sizes = forest.starts, forest.ends, forest.sizes
        children = forest.children(position) if position >= 0 else forest.roots()
        path_start = end
        # The sort is stable: of two children that end together the earlier, longer one comes first.
        for child in sorted(children, key=lambda child: min(ends[child], end), reverse=True):
            child_start, child_end = max(starts[child], start), min(ends[child], end)
            if child_start < child_end <= path_start:
                self.own[position] += path_start - child_end
                if sizes[child] > 1:
                    yield child, child_start, child_end
                else:
                    self.own[child] += child_end - child_start
                path_start = child_start
        self.own[position] += path_start - start
