"""Why two runs differ: what failed, changed, was added or removed, and what each of that added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from tracer.analysis.compare.rows import (
    ADDED,
    CHANGED,
    REMOVED,
    Row,
    Side,
    effect,
    is_slower_or_faster,
)
from tracer.wording import plural

MAX_REASONS: Final = 6
"""Reasons of a comparison."""
_SETTINGS: Final = {
    "prompt": "uses another prompt",
    "parameters": "has other parameters",
    "tools": "has other tools",
}
_MIN_TOKENS: Final = 500
"""A smaller difference of tokens is no reason."""


class Reason(msgspec.Struct, kw_only=True, frozen=True):
    """A sentence about the spans of one name, such as ``refund`` ``failed``."""

    name: str
    text: str
    span_id: str
    """The first of the spans."""
    duration: int | None
    """Difference in µs that the spans make."""
    cost: Decimal | None
    """Difference in US dollars that the spans make."""
    failed: bool


_Reasons = Iterator[tuple[Row, str]]
"""The rows that are reasons, and what the sentences add to their names."""


def find_reasons(rows: Sequence[Row]) -> list[Reason]:
    """Return up to `MAX_REASONS` reasons.

    In this order: failures, settings, missing calls, new calls, time, tokens.
    Spans of one kind and name have one reason, the first of these.
    """
    reasons: dict[tuple[str, str], Reason] = {}
    for find in (_failures, _settings, _missing, _new, _times, _tokens):
        texts: dict[tuple[str, str], str] = {}
        groups: dict[tuple[str, str], list[Row]] = {}
        for row, text in find(rows):
            texts.setdefault((row.kind, row.name), text)
            groups.setdefault((row.kind, row.name), []).append(row)
        for key, group in groups.items():
            reasons.setdefault(key, _reason(group, texts[key], failed=find is _failures))
    return list(reasons.values())[:MAX_REASONS]


def _reason(group: Sequence[Row], text: str, *, failed: bool) -> Reason:
    sides = [row.now or row.then for row in group]
    costs = [row.cost for row in group if row.cost is not None]
    return Reason(
        name=group[0].name,
        text=text,
        span_id=next(side.span_id for side in sides if side is not None),
        duration=sum(map(effect, group)) or None,
        cost=sum(costs, Decimal(0)) or None,
        failed=failed and any(_fails(row.now) for row in group),
    )


def _fails(side: Side | None) -> bool:
    return side is not None and side.level == "error"


def _below(rows: Sequence[Row], position: int) -> Iterator[Row]:
    """Yield the descendants of a row."""
    for row in rows[position + 1 :]:
        if row.depth <= rows[position].depth:
            return
        yield row


def _failures(rows: Sequence[Row]) -> _Reasons:
    """Yield the innermost spans that failed in one of the runs alone."""
    for position, row in enumerate(rows):
        before, after = _fails(row.then), _fails(row.now)
        if after and not before and not any(_fails(each.now) for each in _below(rows, position)):
            yield row, "failed"
        elif before and row.now is not None and not after:
            yield row, "no longer fails"


def _settings(rows: Sequence[Row]) -> _Reasons:
    for row in rows:
        texts = [text for name, text in _SETTINGS.items() if name in row.differs]
        if row.then and row.now and row.then.model != row.now.model:
            models = (side.model or "no model" for side in (row.now, row.then))
            texts.insert(0, "uses {} in place of {}".format(*models))
        if texts:
            yield row, ", ".join(texts)


def _outermost(rows: Iterable[Row], state: str) -> Iterator[Row]:
    """Yield the rows of a state whose parents are of another."""
    inside: int | None = None
    for row in rows:
        if inside is not None and row.depth > inside:
            continue
        inside = row.depth if row.state == state else None
        if inside is not None:
            yield row


def _missing(rows: Sequence[Row]) -> _Reasons:
    left = Counter((row.kind, row.name) for row in rows if row.now)
    calls = list(_outermost(rows, REMOVED))
    fewer = Counter((row.kind, row.name) for row in calls)
    for row in calls:
        key = row.kind, row.name
        yield row, f"has {plural(fewer[key], 'call')} less" if left[key] else "is no longer called"


def _new(rows: Sequence[Row]) -> _Reasons:
    earlier = Counter((row.kind, row.name) for row in rows if row.then)
    calls = list(_outermost(rows, ADDED))
    more = Counter((row.kind, row.name) for row in calls)
    for row in calls:
        key = row.kind, row.name
        number = plural(more[key], "call")
        yield row, f"has {number} more" if earlier[key] else f"is new: {number}"


def _times(rows: Sequence[Row]) -> _Reasons:
    """Yield the spans that took longer or shorter by themselves, the largest difference first."""
    changed = []
    for position, row in enumerate(rows):
        if not (row.then and row.now and is_slower_or_faster(row.then, row.now)):
            continue
        children = (each for each in _below(rows, position) if each.depth == row.depth + 1)
        own = effect(row) - sum(map(effect, children))
        if 2 * abs(own) >= abs(effect(row)):
            changed.append((own, row))
    for own, row in sorted(changed, key=lambda each: -abs(each[0])):
        yield row, "takes longer" if own > 0 else "takes less time"


def _tokens(rows: Sequence[Row]) -> _Reasons:
    """Yield the model calls with many more or fewer tokens, the largest difference first."""
    calls = [row for row in rows if row.kind == "generation" and row.state == CHANGED]
    large = [row for row in calls if abs(row.tokens or 0) >= _MIN_TOKENS]
    for row in sorted(large, key=lambda row: -abs(row.tokens or 0)):
        size = row.tokens or 0
        yield row, f"used {abs(size):,} {'more' if size > 0 else 'fewer'} tokens"
