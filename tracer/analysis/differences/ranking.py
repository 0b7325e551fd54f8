"""Ranks the values of attributes by how significantly their frequency in two sets differs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

MIN_SIGNIFICANCE: Final = 6.63
"""The least G of a difference: by chance alone, one attribute in 100 exceeds it."""
MAX_KIN: Final = 6
_MIN_DIFFERENCE: Final = 0.01
"""Shares that differ less than this are alike, however many traces were counted."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value of a field: ``name``, ``metadata.plan``, ``tool`` …; None: the field is absent."""

    field: str
    value: str | None

    @property
    def group(self) -> str:
        """What is ranked as one: the field; of ``has`` and ``key`` each value by itself."""
        return f"{self.field}:{self.value}" if self.field in ("has", "key") else self.field


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of the counted traces have the attribute, in the selection and in the others."""

    attribute: Attribute
    selected: int
    others: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How many traces were counted on each side."""

    selected: int
    others: int


@dataclass(frozen=True, slots=True)
class Difference:
    """An attribute with its share of both sides, and other values of its field."""

    attribute: Attribute
    selected: int
    others: int
    selected_share: float
    others_share: float
    significance: float
    """The statistic G of the two counts: 0 where both shares are equal."""
    kin: tuple[Difference, ...] = ()
    """The most frequent other values of the same field."""
    alike: tuple[Attribute, ...] = ()
    """Attributes of other fields with the same counts: probably of the same traces."""

    @property
    def times(self) -> float | None:
        """How many times as often the selection has it; None: the others never have it."""
        return self.selected_share / self.others_share if self.others else None


@dataclass(frozen=True, slots=True)
class Ranking:
    """The fields that differ, by their most significant value, and those that do not."""

    more: list[Difference] = field(default_factory=list)
    less: list[Difference] = field(default_factory=list)
    same: list[str] = field(default_factory=list)


def rank(counted: Iterable[Counted], totals: Totals) -> Ranking:
    """Return the attributes whose shares differ significantly, each field once."""
    by_group: dict[str, list[Difference]] = defaultdict(list)
    for count in counted:
        by_group[count.attribute.group].append(_difference(count, totals))
    ranking = Ranking()
    by_field: list[Difference] = []
    for name, values in by_group.items():
        differing = [value for value in values if _differs(value)]
        if differing:
            # Where one value is more frequent, another is less so: the former is shown first.
            first = max(differing, key=lambda value: (_is_more(value), value.significance))
            by_field.append(_with_kin(first, [value for value in values if value is not first]))
        else:
            ranking.same.append(name)
    for difference in _merge_equal_counts(sorted(by_field, key=lambda value: -value.significance)):
        (ranking.more if _is_more(difference) else ranking.less).append(difference)
    return ranking


def _difference(count: Counted, totals: Totals) -> Difference:
    return Difference(
        count.attribute,
        count.selected,
        count.others,
        count.selected / max(totals.selected, 1),
        count.others / max(totals.others, 1),
        significance(count.selected, count.others, totals),
    )


def significance(selected: int, others: int, totals: Totals) -> float:
    """Return G, twice the log-likelihood ratio of two shares against one share for both."""
    have, all_traces = selected + others, totals.selected + totals.others
    lack = all_traces - have
    cells = (
        (selected, totals.selected * have),
        (others, totals.others * have),
        (totals.selected - selected, totals.selected * lack),
        (totals.others - others, totals.others * lack),
    )
    return 2 * sum(
        seen * math.log(seen * all_traces / product) for seen, product in cells if seen > 0
    )


def _differs(difference: Difference) -> bool:
    distance = abs(difference.selected_share - difference.others_share)
    return difference.significance >= MIN_SIGNIFICANCE and distance >= _MIN_DIFFERENCE


def _is_more(difference: Difference) -> bool:
    return difference.selected_share > difference.others_share


def _with_kin(first: Difference, others: Sequence[Difference]) -> Difference:
    present = [other for other in others if other.selected or other.others]
    largest = sorted(present, key=lambda value: -(value.selected_share + value.others_share))
    return replace(first, kin=tuple(largest[:MAX_KIN]))


def _merge_equal_counts(ranked: Iterable[Difference]) -> list[Difference]:
    """Return the differences, with those of equal counts as `alike` of the first one."""
    kept: dict[tuple[int, int], Difference] = {}
    for difference in ranked:
        key = (difference.selected, difference.others)
        first = kept.get(key)
        if first is None:
            kept[key] = difference
        else:
            kept[key] = replace(first, alike=(*first.alike, difference.attribute))
    return list(kept.values())
