"""The rows of two aligned traces: time, tokens and cost of each span in both, and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from tracer.analysis.compare.align import NONE, align
from tracer.analysis.forest import Forest
from tracer.analysis.subtree import Subtrees

N = TypeVar("N", int, Decimal)

SAME: Final = "same"
CHANGED: Final = "changed"
ADDED: Final = "added"
REMOVED: Final = "removed"
_USUAL_VARIATION: Final = 0.25
"""Smaller relative differences of durations occur between any two runs."""
_MIN_DIFFERENCE: Final = 100_000
"""Smaller differences of durations (µs) are ignored."""

Digests = Mapping[str, Mapping[str, str | None]]
"""By span id: a digest of each part of its payload, by the part's name."""


class Side(msgspec.Struct, kw_only=True, frozen=True):
    """A span of one trace; tokens and cost (US dollars) are sums with its descendants."""

    span_id: str
    start: int
    """µs since the trace's start."""
    duration: int
    """µs."""
    level: str
    model: str | None
    tokens: int | None
    cost: Decimal | None


class Row(msgspec.Struct, kw_only=True, frozen=True):
    """A span that both traces have, or one of them."""

    state: str
    """same, changed, added or removed."""
    depth: int
    kind: str
    name: str
    then_name: str | None
    """The name in the earlier trace, where it differs."""
    moved: bool
    spans: int
    """Number of spans in the subtree, in the later trace if it has the span."""
    then: Side | None
    now: Side | None
    duration: int | None
    """Difference in µs; None: one trace lacks the span."""
    tokens: int | None
    cost: Decimal | None
    differs: list[str]
    """What else differs: model, level, input, output, parameters, prompt, tools."""


class _Tree:
    def __init__(self, forest: Forest) -> None:
        self.forest = forest
        self.sums = Subtrees(forest)
        self.start = min(forest.starts, default=0)

    def side(self, position: int) -> Side | None:
        """Return the span at a position; NONE: no span."""
        if position == NONE:
            return None
        forest, sums = self.forest, self.sums[position]
        return Side(
            span_id=forest.ids[position],
            start=forest.starts[position] - self.start,
            duration=forest.ends[position] - forest.starts[position],
            level=forest.levels[position],
            model=forest.models[position],
            tokens=sums.tokens,
            cost=sums.cost,
        )


def compare(then: Forest, now: Forest, digests: tuple[Digests, Digests]) -> Iterator[Row]:
    """Yield the rows of two traces; ``digests`` of their payloads, empty where they are unknown."""
    trees = _Tree(then), _Tree(now)
    for pair in align(then, now):
        earlier, later = trees[0].side(pair.then), trees[1].side(pair.now)
        shown, position = (now, pair.now) if later else (then, pair.then)
        renamed = earlier and later and then.names[pair.then] != now.names[pair.now]
        differs = _differs(earlier, later, digests) if earlier and later else []
        yield Row(
            state=_state(earlier, later, bool(renamed), differs),
            depth=pair.depth,
            kind=shown.kinds[position],
            name=shown.names[position],
            then_name=then.names[pair.then] if renamed else None,
            moved=pair.moved,
            spans=shown.sizes[position],
            then=earlier,
            now=later,
            duration=later.duration - earlier.duration if earlier and later else None,
            tokens=_difference(
                later.tokens if later else None, earlier.tokens if earlier else None
            ),
            cost=_difference(later.cost if later else None, earlier.cost if earlier else None),
            differs=differs,
        )


def _difference(later: N | None, earlier: N | None) -> N | None:
    """Return the difference, where a value that is missing on one side is taken as zero."""
    if later is None:
        return None if earlier is None else -earlier
    return later if earlier is None else later - earlier


def _state(earlier: Side | None, later: Side | None, renamed: bool, differs: Sequence[str]) -> str:
    if earlier is None:
        return ADDED
    if later is None:
        return REMOVED
    return CHANGED if renamed or differs or is_slower_or_faster(earlier, later) else SAME


def effect(row: Row) -> int:
    """Return the difference in µs, where a missing span took no time."""
    return (row.now.duration if row.now else 0) - (row.then.duration if row.then else 0)


def is_slower_or_faster(earlier: Side, later: Side) -> bool:
    """Return whether the duration differs by more than two runs usually do."""
    difference = abs(later.duration - earlier.duration)
    return difference >= _MIN_DIFFERENCE and difference >= _USUAL_VARIATION * max(
        earlier.duration, later.duration
    )


def _differs(earlier: Side, later: Side, digests: tuple[Digests, Digests]) -> list[str]:
    names = [name for name in ("level", "model") if getattr(earlier, name) != getattr(later, name)]
    then, now = digests[0].get(earlier.span_id, {}), digests[1].get(later.span_id, {})
    return names + [name for name in then if name in now and then[name] != now[name]]
