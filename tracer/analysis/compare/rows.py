"""The rows of two aligned traces: what each span took then and now, and whether that differs."""

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
_USUAL: Final = 0.25
"""Differences of durations below this share are those of any two runs."""
_LEAST: Final = 100_000
"""Differences of durations below this (µs) are not noticed."""

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
    """The name in the earlier trace, where it was another one."""
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
        before, after = trees[0].side(pair.then), trees[1].side(pair.now)
        shown, position = (now, pair.now) if after else (then, pair.then)
        renamed = before and after and then.names[pair.then] != now.names[pair.now]
        differs = _differs(before, after, digests) if before and after else []
        yield Row(
            state=_state(before, after, bool(renamed), differs),
            depth=pair.depth,
            kind=shown.kinds[position],
            name=shown.names[position],
            then_name=then.names[pair.then] if renamed else None,
            moved=pair.moved,
            spans=shown.sizes[position],
            then=before,
            now=after,
            duration=after.duration - before.duration if before and after else None,
            tokens=_minus(after.tokens if after else None, before.tokens if before else None),
            cost=_minus(after.cost if after else None, before.cost if before else None),
            differs=differs,
        )


def _minus(after: N | None, before: N | None) -> N | None:
    """Return the difference, where a value that is missing on one side counts as zero."""
    if after is None:
        return None if before is None else -before
    return after if before is None else after - before


def _state(before: Side | None, after: Side | None, renamed: bool, differs: Sequence[str]) -> str:
    if before is None:
        return ADDED
    if after is None:
        return REMOVED
    return CHANGED if renamed or differs or is_slower_or_faster(before, after) else SAME


def is_slower_or_faster(before: Side, after: Side) -> bool:
    """Return whether the duration differs by more than two runs usually do."""
    difference = abs(after.duration - before.duration)
    return difference >= _LEAST and difference >= _USUAL * max(before.duration, after.duration)


def _differs(before: Side, after: Side, digests: tuple[Digests, Digests]) -> list[str]:
    names = [name for name in ("level", "model") if getattr(before, name) != getattr(after, name)]
    then, now = digests[0].get(before.span_id, {}), digests[1].get(after.span_id, {})
    return names + [name for name in then if name in now and then[name] != now[name]]
