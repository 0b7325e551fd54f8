"""A whole trace as columns, in the order in which its tree reads: what every analysis works on.

Position 0 is the first root, and a span's children follow it depth first, earliest first. So

- a parent stands before its children (`parents[i] < i`): going through the positions backwards
  adds a tree up from its leaves, without recursion, however deep it is;
- a subtree is a range: `range(i, i + sizes[i])` is the span `i` with everything below it;
- `children(i)` steps from one sibling to the next.

Columns and not objects, because a trace may have a million spans: about 300 bytes each.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import count, islice
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

_BATCH = 10_000
# Of a span without an end; earlier than any time, so that every other end wins against it.
_OPEN = -(1 << 62)


class SpanFacts(NamedTuple):
    """One span as it is put into a forest; times in µs since the epoch, cost in dollars."""

    span_id: str
    parent_span_id: str | None
    start: int
    end: int | None
    """None: it runs."""
    kind: str
    name: str
    level: str
    model: str | None
    tokens: int | None
    cost: Decimal | None
    covered: bool
    """True: its tokens and cost repeat what a span below tells, and count nowhere."""
    placeholder: bool
    """True: stands in for a parent that has not arrived, and counts nowhere."""


class _Seeds:
    """The spans of a trace in the order in which they come, parents as positions."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.starts, self.ends = array("q"), array("q")
        self.kinds: list[str] = []
        self.names: list[str] = []
        self.levels: list[str] = []
        self.models: list[str | None] = []
        self.tokens: list[int | None] = []
        self.costs: list[Decimal | None] = []
        self.covered, self.placeholders = bytearray(), bytearray()
        self._parents = array("i")
        self._late: dict[int, str] = {}
        self._at: dict[str, int] = {}
        # A driver makes a new string for each row, and a trace has few different ones.
        self._known: dict[Any, Any] = {}

    def add(self, batch: list[Sequence[Any]]) -> None:
        """Take in the next spans."""
        columns: list[tuple[Any, ...]] = list(zip(*batch, strict=True))
        ids, parent_ids, starts, ends, kinds, names, levels, models, *rest = columns
        tokens, costs, covered, placeholders = rest
        self._at.update(zip(ids, count(len(self.ids)), strict=False))
        self.ids += ids
        self._link(parent_ids)
        self.starts.extend(starts)
        self.ends.extend([_OPEN if end is None else end for end in ends])
        self.kinds += self._shared(kinds)
        self.names += self._shared(names)
        self.levels += self._shared(levels)
        self.models += self._shared(models)
        self.tokens += tokens
        self.costs += costs
        self.covered.extend(covered)
        self.placeholders.extend(placeholders)

    def _link(self, parent_ids: Iterable[str | None]) -> None:
        for parent_id in parent_ids:
            at = -1 if parent_id is None else self._at.get(parent_id, -1)
            if at < 0 and parent_id is not None:
                # It starts later than its child, if it is here at all.
                self._late[len(self._parents)] = parent_id
            self._parents.append(at)

    def _shared(self, values: Sequence[Any]) -> Iterator[Any]:
        return map(self._known.setdefault, values, values)

    def resolved(self) -> array[int]:
        """Return each span's parent, -1: none that is here; nothing can be added afterwards."""
        for child, parent_id in self._late.items():
            self._parents[child] = self._at.get(parent_id, -1)
        self._at.clear()
        return self._parents


class Forest:
    """The spans of one trace by position; all columns have the same length."""

    __slots__ = (
        "costs",
        "covered",
        "ends",
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
    """Spans of the subtree, itself and placeholders included."""
    starts: array[int]
    """µs since the epoch."""
    ends: array[int]
    """µs since the epoch, never before the start. Of a running span the latest moment known of
    the trace, of a placeholder the latest end below it."""
    running: bytearray
    kinds: list[str]
    names: list[str]
    levels: list[str]
    models: list[str | None]
    tokens: list[int | None]
    costs: list[Decimal | None]
    covered: bytearray
    placeholders: bytearray

    @classmethod
    def grow(cls, facts: Iterable[Sequence[Any]]) -> Forest:
        """Return the forest of a trace's spans, which come by start time and then by id.

        `facts` are SpanFacts, or tuples of the same order. A parent that is not among them makes
        a root; spans that are each other's parents are laid open at the earliest of them.
        """
        seeds = _Seeds()
        left = iter(facts)
        while batch := list(islice(left, _BATCH)):
            seeds.add(batch)
        return cls._planted(seeds)

    @classmethod
    def _planted(cls, seeds: _Seeds) -> Forest:
        """Return the forest of columns in time order, which are emptied on the way."""
        parents = seeds.resolved()
        order = _reading_order(parents)
        forest = cls()
        forest.ids = _ordered(seeds.ids, order)
        forest.parents = _renumbered(parents, order)
        forest.starts = array("q", [seeds.starts[at] for at in order])
        forest.ends = array("q", [seeds.ends[at] for at in order])
        forest.kinds = _ordered(seeds.kinds, order)
        forest.names = _ordered(seeds.names, order)
        forest.levels = _ordered(seeds.levels, order)
        forest.models = _ordered(seeds.models, order)
        forest.tokens = _ordered(seeds.tokens, order)
        forest.costs = _ordered(seeds.costs, order)
        forest.covered = bytearray([seeds.covered[at] for at in order])
        forest.placeholders = bytearray([seeds.placeholders[at] for at in order])
        forest._measure()
        return forest

    def _measure(self) -> None:
        """Set `sizes` and `running`, and put ends in the place of those that nobody said."""
        many, missing = len(self.ids), self.placeholders
        latest = max(max(self.starts, default=0), max(self.ends, default=0))
        self.running = bytearray(many)
        self.sizes = array("i", [1]) * many
        for at in range(many - 1, -1, -1):
            end, parent = self.ends[at], self.parents[at]
            # What is below a placeholder stands behind it, and has told it the end by now.
            if end == _OPEN and not missing[at]:
                self.running[at], end = 1, latest
            self.ends[at] = end = max(end, self.starts[at])
            if parent >= 0:
                self.sizes[parent] += self.sizes[at]
                if missing[parent]:
                    self.ends[parent] = max(end, self.ends[parent])

    def __len__(self) -> int:
        return len(self.ids)

    def roots(self) -> Iterator[int]:
        """Yield the positions of the roots, earliest first."""
        return self._siblings(0, len(self.ids))

    def children(self, at: int) -> Iterator[int]:
        """Yield the positions of the spans directly below `at`, earliest first."""
        return self._siblings(at + 1, at + self.sizes[at])

    def _siblings(self, at: int, stop: int) -> Iterator[int]:
        while at < stop:
            yield at
            at += self.sizes[at]


def _reading_order(parents: array[int]) -> array[int]:
    """Return the positions depth first; `parents` are in time order, and so are siblings here."""
    first = array("i", [-1]) * len(parents)
    following = array("i", [-1]) * len(parents)
    # Backwards, so that each list of siblings begins with its earliest.
    for at in range(len(parents) - 1, -1, -1):
        parent = parents[at]
        if parent >= 0:
            following[at], first[parent] = first[parent], at
    order = array("i")
    seen = bytearray(len(parents))
    for roots_only in (True, False):
        for root, parent in enumerate(parents):
            if seen[root] or (roots_only and parent >= 0):
                continue
            # Only a circle is left to the second round: cut open where it starts.
            parents[root] = -1
            _descend(root, first, following, seen, order)
    return order


def _descend(
    root: int, first: array[int], following: array[int], seen: bytearray, order: array[int]
) -> None:
    """Append what is at and below `root` to `order`."""
    seen[root] = 1
    order.append(root)
    ahead = [first[root]]
    while ahead:
        at = ahead.pop()
        if at < 0:
            continue
        ahead.append(following[at])
        # The root of a circle is met once more, as the child that it was sent as.
        if not seen[at]:
            seen[at] = 1
            order.append(at)
            ahead.append(first[at])


def _renumbered(parents: array[int], order: array[int]) -> array[int]:
    """Return the parents by new positions, as positions of the new order."""
    moved = array("i", [-1]) * len(order)
    for new, old in enumerate(order):
        moved[old] = new
    return array("i", [moved[parents[old]] if parents[old] >= 0 else -1 for old in order])


def _ordered(column: list[T], order: array[int]) -> list[T]:
    """Return the values in the order given, and let go of the column."""
    found = [column[at] for at in order]
    column.clear()
    return found
