"""What spans of one name, kind and model have in common: how many, how long, how dear."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from tracer.analysis.forest import Forest
from tracer.analysis.whole import Whole

MOST_GROUPS: Final = 500


class Group(msgspec.Struct, kw_only=True):
    """The spans of one name, kind and model; times in µs, of those that have ended."""

    name: str
    kind: str
    model: str | None
    count: int
    running: int
    total_time: int
    average_time: int | None
    """None: none of them has ended."""
    p95_time: int | None
    """95 of 100 took no longer (nearest rank)."""
    self_time: int
    """In which nothing below them ran."""
    total_tokens: int | None
    """None: nobody counted any. What repeats what a span below says is left out."""
    total_cost: Decimal | None
    errors: int


class Statistics(msgspec.Struct, kw_only=True):
    """The groups that took most time, the longest first."""

    groups: list[Group]
    left_out: int
    """Further groups."""


def statistics(whole: Whole) -> Statistics:
    """Return what the spans of a trace add up to by name, kind and model."""
    forest, alone = whole.forest, whole.alone
    members: dict[tuple[str, str, str | None], array[int]] = defaultdict(lambda: array("i"))
    keys = zip(forest.names, forest.kinds, forest.models, strict=True)
    for at, key in enumerate(keys):
        if not forest.placeholders[at]:
            members[key].append(at)
    groups = [_group(forest, alone, key, spans) for key, spans in members.items()]
    groups.sort(key=lambda group: (-group.total_time, group.name, group.kind, group.model or ""))
    return Statistics(groups=groups[:MOST_GROUPS], left_out=max(len(groups) - MOST_GROUPS, 0))


def _group(
    forest: Forest, alone: array[int], key: tuple[str, str, str | None], spans: array[int]
) -> Group:
    ended = sorted(forest.ends[at] - forest.starts[at] for at in spans if not forest.running[at])
    counted = [at for at in spans if not forest.covered[at]]
    return Group(
        name=key[0],
        kind=key[1],
        model=key[2],
        count=len(spans),
        running=len(spans) - len(ended),
        total_time=sum(ended),
        average_time=sum(ended) // len(ended) if ended else None,
        p95_time=ended[-(-len(ended) * 95 // 100) - 1] if ended else None,
        self_time=sum(alone[at] for at in spans),
        total_tokens=_sum(n for at in counted if (n := forest.tokens[at]) is not None),
        total_cost=_money(c for at in counted if (c := forest.costs[at]) is not None),
        errors=sum(forest.levels[at] == "error" for at in spans),
    )


def _sum(values: Iterable[int]) -> int | None:
    held = list(values)
    return sum(held) if held else None


def _money(values: Iterable[Decimal]) -> Decimal | None:
    held = list(values)
    return sum(held, Decimal(0)) if held else None
