"""Figures, groups and comparison of the results of dataset runs; no database."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from tracer.store.library.results import ItemResult

FAILED, WRONG, CORRECT, OTHER = "failed", "wrong", "correct", "not judged"
WORSE, BETTER, BOTH_WRONG, BOTH_CORRECT, ONE_SIDED = (
    *("worse", "better", "wrong in both", "the same"),
    "in one run only",
)
_COMPARED: Final = (WORSE, BETTER, BOTH_WRONG, BOTH_CORRECT, ONE_SIDED)
_GROUPS: Final = (FAILED, WRONG, CORRECT, OTHER)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFigures:
    """Counts, means and sums of the results of a run."""

    items: int
    failed: int
    means: dict[str, float]
    """The mean of each score that has numbers."""
    p50: timedelta | None
    p95: timedelta | None
    tokens: int
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Pair:
    """The results of one item in two runs; None: the run has none."""

    left: ItemResult | None
    right: ItemResult | None

    @property
    def shown(self) -> ItemResult:
        """The result that names the item."""
        result = self.right or self.left
        assert result is not None
        return result


def figures(results: Sequence[ItemResult]) -> RunFigures:
    """Return the figures of a run."""
    latencies = sorted(result.latency for result in results if result.latency is not None)
    costs = [result.cost for result in results if result.cost is not None]
    return RunFigures(
        items=len({result.item_id for result in results}),
        failed=sum(result.failed for result in results),
        means={name: _mean(name, results) for name in score_names(results)},
        p50=_percentile(latencies, 0.5),
        p95=_percentile(latencies, 0.95),
        tokens=sum(result.tokens or 0 for result in results),
        cost=sum(costs, Decimal(0)) if costs else None,
    )


def score_names(results: Iterable[ItemResult]) -> list[str]:
    """Return the names of scores with numbers, those on the most results first."""
    counts = Counter(
        name
        for result in results
        for name, score in result.scores.items()
        if score.value is not None
    )
    return sorted(counts, key=lambda name: (-counts[name], name))


def measure_of(names: Sequence[str], results: Iterable[ItemResult], requested: str | None) -> str:
    """Return the score that judges results: the requested one, else a boolean one; "": none."""
    if requested in names:
        return str(requested)
    boolean = {
        name
        for result in results
        for name, score in result.scores.items()
        if score.is_boolean and score.value is not None
    }
    return next((name for name in names if name in boolean), names[0] if names else "")


def group(results: Sequence[ItemResult], measure: str) -> list[tuple[str, list[ItemResult]]]:
    """Return the results in groups: failed, wrong (the score is 0), correct, not judged."""
    groups: dict[str, list[ItemResult]] = {name: [] for name in _GROUPS}
    for result in results:
        groups[_group_of(result, measure)].append(result)
    for name in (WRONG, CORRECT):
        groups[name].sort(key=lambda result: _value(result, measure) or 0.0)
    return [(name, members) for name, members in groups.items() if members]


def compare(
    left: Sequence[ItemResult], right: Sequence[ItemResult], measure: str
) -> list[tuple[str, list[Pair]]]:
    """Return the items of two runs in groups: worse and better in the right one, and the rest."""
    left_by_item = {result.item_id: result for result in left}
    right_by_item = {result.item_id: result for result in right}
    groups: dict[str, list[Pair]] = {name: [] for name in _COMPARED}
    for item_id in dict.fromkeys([*right_by_item, *left_by_item]):
        pair = Pair(left_by_item.get(item_id), right_by_item.get(item_id))
        groups[_comparison(pair, measure)].append(pair)
    return [(name, members) for name, members in groups.items() if members]


def directions(pairs: Iterable[Pair], names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return on how many items each score, and time, tokens and cost, became (worse, better)."""
    compared = [(pair.left, pair.right) for pair in pairs if pair.left and pair.right]
    sides: dict[str, list[tuple[Any, Any]]] = {
        **{
            name: [(_value(right, name), _value(left, name)) for left, right in compared]
            for name in names
        },
        "failed": [(left.failed, right.failed) for left, right in compared],
        "p50": [(left.latency, right.latency) for left, right in compared],
        "tokens": [(left.tokens, right.tokens) for left, right in compared],
        "cost": [(left.cost, right.cost) for left, right in compared],
    }
    return {name: _count_directions(values) for name, values in sides.items()}


def _count_directions(values: Sequence[tuple[Any, Any]]) -> tuple[int, int]:
    """Return how often the second value is greater, and how often the first; None: unknown."""
    known = [(first, second) for first, second in values if None not in (first, second)]
    return sum(second > first for first, second in known), sum(a > b for a, b in known)


def _comparison(pair: Pair, measure: str) -> str:
    if pair.left is None or pair.right is None:
        return ONE_SIDED
    left, right = (_rank(result, measure) for result in (pair.left, pair.right))
    if left != right:
        return WORSE if right < left else BETTER
    return BOTH_WRONG if right <= 0 else BOTH_CORRECT


def _rank(result: ItemResult, measure: str) -> float:
    """Return the value by which results are compared; a failed one is below every score."""
    if result.failed:
        return -math.inf
    value = _value(result, measure)
    return math.inf if value is None else value


def _group_of(result: ItemResult, measure: str) -> str:
    if result.failed:
        return FAILED
    value = _value(result, measure)
    if value is None:
        return OTHER
    return WRONG if value <= 0 else CORRECT


def _value(result: ItemResult, measure: str) -> float | None:
    score = result.scores.get(measure)
    return score.value if score else None


def _mean(name: str, results: Iterable[ItemResult]) -> float:
    values = [value for result in results if (value := _value(result, name)) is not None]
    return sum(values) / len(values)


def _percentile(ordered: Sequence[timedelta], share: float) -> timedelta | None:
    if not ordered:
        return None
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]
