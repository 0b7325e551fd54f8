"""All spans of a trace as columns in depth-first order: the input of every trace analysis.

Position 0 is the first root, and a span's children follow it depth first, earliest first. So

- a parent comes before its children (`parents[i] < i`), so a loop over descending positions
  sums a tree from its leaves upwards, without recursion, however deep the tree is;
- a subtree is a range: `range(i, i + sizes[i])` is the span `i` with all its descendants;
- `children(i)` goes from one sibling to the next by subtree sizes.

Columns take about 300 bytes a span, far less than objects: a trace may have a million spans.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import count, islice
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

_BATCH = 10_000
# End of a running span while columns are built: earlier than any real end, so `max` drops it.
_NO_END = -(1 << 62)


class SpanFacts(NamedTuple):
    """The fields of one span from which a forest is built; times in µs since the epoch."""

    span_id: str
    parent_span_id: str | None
    start: int
    end: int | None
    """None: the span is running."""
    kind: str
    name: str
    level: str
    model: str | None
    tokens: int | None
    cost: Decimal | None
    """US dollars."""
    excluded: bool
    """True: a descendant reports the same tokens and cost, so these are left out of all totals."""
    placeholder: bool
    """True: stands for a parent that has not arrived, and is left out of all totals."""


class _TimeOrderedColumns:
    """The columns of a trace's spans in time order, with parents as positions."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.starts, self.ends = array("q"), array("q")
        self.kinds: list[str] = []
        self.names: list[str] = []
        self.levels: list[str] = []
        self.models: list[str | None] = []
        self.tokens: list[int | None] = []
        self.costs: list[Decimal | None] = []
        self.excluded, self.placeholders = bytearray(), bytearray()
        self._parents = array("i")
        self._later_parents: dict[int, str] = {}
        self._positions: dict[str, int] = {}
        # The database driver makes a new string for each row; equal ones are stored once.
        self._values: dict[Any, Any] = {}

    def add(self, batch: list[Sequence[Any]]) -> None:
        """Append rows of SpanFacts."""
        columns: list[tuple[Any, ...]] = list(zip(*batch, strict=True))
        ids, parent_ids, starts, ends, kinds, names, levels, models, *rest = columns
        tokens, costs, excluded, placeholders = rest
        self._positions.update(zip(ids, count(len(self.ids)), strict=False))
        self.ids += ids
        self._link(parent_ids)
        self.starts.extend(starts)
        self.ends.extend([_NO_END if end is None else end for end in ends])
        self.kinds += self._interned(kinds)
        self.names += self._interned(names)
        self.levels += self._interned(levels)
        self.models += self._interned(models)
        self.tokens += tokens
        self.costs += costs
        self.excluded.extend(excluded)
        self.placeholders.extend(placeholders)

    def _link(self, parent_ids: Iterable[str | None]) -> None:
        for parent_id in parent_ids:
            position = -1 if parent_id is None else self._positions.get(parent_id, -1)
            if position < 0 and parent_id is not None:
                # The parent starts later than its child, or is not part of the trace.
                self._later_parents[len(self._parents)] = parent_id
            self._parents.append(position)

    def _interned(self, values: Sequence[Any]) -> Iterator[Any]:
        return map(self._values.setdefault, values, values)

    def resolved(self) -> array[int]:
        """Return each span's parent as a position, -1: not in the trace; no `add` may follow."""
        for child, parent_id in self._later_parents.items():
            self._parents[child] = self._positions.get(parent_id, -1)
        self._positions.clear()
        return self._parents


class Forest:
    """The columns of one trace's spans; all have the same length."""

    __slots__ = (
        "costs",
        "ends",
        "excluded",
        "ids",
        "kinds",
        "levels",
        "models",
        "names",
        "parents",
        "placeholders",
        "running",
        "sizes",
        "starts",
        "tokens",
    )

    ids: list[str]
    parents: array[int]
    """Position of the parent, -1: a root."""
    sizes: array[int]
    """Spans in the subtree, including the span itself and placeholders."""
    starts: array[int]
    """µs since the epoch."""
    ends: array[int]
    """µs since the epoch, never before the start. A running span has the latest time known of the
    trace, a placeholder the latest end of its descendants."""
    running: bytearray
    kinds: list[str]
    names: list[str]
    levels: list[str]
    models: list[str | None]
    tokens: list[int | None]
    costs: list[Decimal | None]
    excluded: bytearray
    placeholders: bytearray

    @classmethod
    def build(cls, facts: Iterable[Sequence[Any]], now: int = 0) -> Forest:
        """Return the forest of a trace's spans, which must be ordered by start time, then id.

        ``now`` (µs since the epoch): up to when running spans are known to run.

        `facts` are SpanFacts, or tuples of the same order. A span whose parent is not among them
        becomes a root; a cycle of parents is cut at its earliest span, which becomes a root.
        """
        columns = _TimeOrderedColumns()
        remaining = iter(facts)
        while batch := list(islice(remaining, _BATCH)):
            columns.add(batch)
        return cls._from_columns(columns, now)

    @classmethod
    def _from_columns(cls, columns: _TimeOrderedColumns, now: int) -> Forest:
        """Return the columns in depth-first order; empties `columns` to bound the memory."""
        parents = columns.resolved()
        order = _reading_order(parents)
        forest = cls()
        forest.ids = _ordered(columns.ids, order)
        forest.parents = _renumbered(parents, order)
        forest.starts = array("q", [columns.starts[position] for position in order])
        forest.ends = array("q", [columns.ends[position] for position in order])
        forest.kinds = _ordered(columns.kinds, order)
        forest.names = _ordered(columns.names, order)
        forest.levels = _ordered(columns.levels, order)
        forest.models = _ordered(columns.models, order)
        forest.tokens = _ordered(columns.tokens, order)
        forest.costs = _ordered(columns.costs, order)
        forest.excluded = bytearray([columns.excluded[position] for position in order])
        forest.placeholders = bytearray([columns.placeholders[position] for position in order])
        forest._set_sizes_and_ends(now)
        return forest

    def _set_sizes_and_ends(self, now: int) -> None:
        """Set `sizes` and `running`, and fill in the ends that spans lack."""
        total, placeholders = len(self.ids), self.placeholders
        latest = max(now, max(self.starts, default=0), max(self.ends, default=0))
        self.running = bytearray(total)
        self.sizes = array("i", [1]) * total
        for position in range(total - 1, -1, -1):
            end, parent = self.ends[position], self.parents[position]
            # The descendants of a placeholder have higher positions, so its end is set by now.
            if end == _NO_END and not placeholders[position]:
                self.running[position], end = 1, latest
            self.ends[position] = end = max(end, self.starts[position])
            if parent >= 0:
                self.sizes[parent] += self.sizes[position]
                if placeholders[parent]:
                    self.ends[parent] = max(end, self.ends[parent])

    def __len__(self) -> int:
        return len(self.ids)

    def roots(self) -> Iterator[int]:
        """Yield the positions of the roots, earliest first."""
        return self._siblings(0, len(self.ids))

    def children(self, position: int) -> Iterator[int]:
        """Yield the positions of the children of the span at `position`, earliest first."""
        return self._siblings(position + 1, position + self.sizes[position])

    def _siblings(self, position: int, stop: int) -> Iterator[int]:
        while position < stop:
            yield position
            position += self.sizes[position]


def _reading_order(parents: array[int]) -> array[int]:
    """Return the positions depth first, siblings in time order; `parents` is in time order."""
    first_child = array("i", [-1]) * len(parents)
    next_sibling = array("i", [-1]) * len(parents)
    # Descending, so that each linked list of siblings begins with the earliest.
    for position in range(len(parents) - 1, -1, -1):
        parent = parents[position]
        if parent >= 0:
            next_sibling[position], first_child[parent] = first_child[parent], position
    order = array("i")
    seen = bytearray(len(parents))
    for roots_only in (True, False):
        for root, parent in enumerate(parents):
            if seen[root] or (roots_only and parent >= 0):
                continue
            # The second round meets only cycles: each is cut at its earliest span.
            parents[root] = -1
            _descend(root, first_child, next_sibling, seen, order)
    return order


def _descend(
    root: int, first_child: array[int], next_sibling: array[int], seen: bytearray, order: array[int]
) -> None:
    """Append `root` and its descendants to `order`, depth first."""
    seen[root] = 1
    order.append(root)
    stack = [first_child[root]]
    while stack:
        position = stack.pop()
        if position < 0:
            continue
        stack.append(next_sibling[position])
        # The root of a cycle is reached again as the child of its original parent.
        if not seen[position]:
            seen[position] = 1
            order.append(position)
            stack.append(first_child[position])


def _renumbered(parents: array[int], order: array[int]) -> array[int]:
    """Return `parents` in the new order, with the new positions as values."""
    new_positions = array("i", [-1]) * len(order)
    for new, old in enumerate(order):
        new_positions[old] = new
    return array("i", [new_positions[parents[old]] if parents[old] >= 0 else -1 for old in order])


def _ordered(column: list[T], order: array[int]) -> list[T]:
    """Return the values in the given order, and empty `column` to release its memory."""
    values = [column[position] for position in order]
    column.clear()
    return values
