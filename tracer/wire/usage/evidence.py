"""Splits counts that may include each other into disjoint usage types.

The sent total decides whether a part is included in its whole. Without a total, a part larger than
its whole is beside it; otherwise the convention of the provider, dialect or scope decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import combinations
from typing import Any, Final, NamedTuple

Number = Any
"""int for tokens, Decimal for dollars."""

SIDES: Final = ("input", "output")

CACHE: Final = frozenset(("cache_read", "cache_write"))

_GROUP_OF: Final = {
    "cache_write_5m": "cache_write",
    "cache_write_1h": "cache_write",
    "input_audio": "input_media",
    "input_image": "input_media",
    "input_video": "input_media",
    "input_document": "input_media",
    "input_text": "input_media",
    "output_audio": "output_media",
    "output_image": "output_media",
    "output_video": "output_media",
    "output_document": "output_media",
    "output_text": "output_media",
    "output_accepted_prediction": "prediction",
    "output_rejected_prediction": "prediction",
}
"""Parts that a source counts alike, all in their whole or all beside it; others are alone."""
_WHOLE_OF: Final = {
    "cache_read": "input",
    "cache_write": "input",
    "input_tool_use": "input",
    "input_media": "input",
    "input_own": "input",
    "reasoning": "output",
    "output_media": "output",
    "prediction": "output",
    "output_own": "output",
}
"""The whole that may include a group.

No whole includes the group ``own``: parts whose names are of neither input nor output.
"""
GROUPS: Final = frozenset((*_WHOLE_OF, "own"))

# Parts of one whole may overlap (cached images are in two of them): the last ones are reduced.
_BY_PRECEDENCE: Final = ("cache_read", "cache_write", "reasoning", "input_tool_use")
KEPT_AT_ZERO: Final = ("input", "output", "cache_read", "cache_write", "reasoning")
PLAIN_TEXT: Final = {"input_text": "input", "output_text": "output"}
"""Text tokens are a side's plain tokens."""
_TIMED: Final = {"ephemeral_5m": "cache_write_5m", "ephemeral_1h": "cache_write_1h"}
# No provider has more; each group doubles the number of arrangements.
_MAX_GROUPS: Final = 6
# Parts are often rounded one by one: a trillionth of a dollar is no difference.
_ROUNDING: Final = Decimal("1e-12")


class DisjointCounts(NamedTuple):
    """Disjoint usage types, and the contradictions among the sent counts."""

    by_type: dict[str, Number]
    cut: dict[str, Number]
    """Sent counts of parts that exceed the whole that includes them."""
    missing: Number
    """The sent total minus the sum of the types."""


def settle(
    sent: Mapping[str, Number], beside: frozenset[str], within: frozenset[str] = frozenset()
) -> DisjointCounts:
    """Return the usage types of ``sent``, numbers by term of `names.term`.

    ``beside`` are the groups that the source counts beside their wholes unless the total disagrees,
    ``within`` those that are certainly in their whole, however large they are.
    """
    counts = _Counts(sent)
    if counts.groups:
        by_type, cut = counts.split(_decide_beside(counts, beside, within))
    else:
        by_type, cut = counts.wholes, {}
    if counts.total is None:
        return DisjointCounts(by_type, cut, 0)
    if not by_type:
        return DisjointCounts({"total": counts.total}, cut, 0)
    missing = counts.total - sum(by_type.values())
    return DisjointCounts(by_type, cut, 0 if is_negligible(missing) else missing)


class _Counts:
    """Wholes, and their parts by group."""

    def __init__(self, sent: Mapping[str, Number]) -> None:
        parts = dict(sent)
        self.total = parts.pop("total", None)
        self.uncached = parts.pop("input_rest", None)
        self.wholes: dict[str, Number] = {side: parts.pop(side) for side in SIDES if side in parts}
        if self.uncached is not None:
            self.wholes.setdefault("input", self.uncached)
        self.groups: dict[str, dict[str, Number]] = {}
        if parts:
            _subtract_timed_writes(parts)
            _subtract_cached_media(parts)
            for part, number in parts.items():
                self.groups.setdefault(group_of(part), {})[part] = number
        self.sums = {group: sum(members.values()) for group, members in self.groups.items()}

    def sum_of_types(self, beside: frozenset[str]) -> Number:
        """Return the sum of all usage types if the groups of ``beside`` are beside their wholes."""
        apart = [number for group, number in self.sums.items() if self._is_apart(group, beside)]
        return sum(self.wholes.values()) + sum(apart)

    def exceeds_whole(self, group: str) -> bool:
        """Return whether a group is larger than its whole."""
        whole = self._whole(group)
        return whole is not None and bool(self.sums[group] > self.wholes[whole])

    def groups_in_question(self) -> list[str]:
        """Return the groups that change the sum if they are beside their whole."""
        return [
            group
            for group, number in self.sums.items()
            if number and (group == "own" or self._whole(group))
        ]

    def split(self, beside: frozenset[str]) -> tuple[dict[str, Number], dict[str, Number]]:
        """Return the usage types, and the parts that were cut to fit into their whole."""
        by_type = dict(self.wholes)
        cut: dict[str, Number] = {}
        apart = [group for group in self.groups if self._is_apart(group, beside)]
        # Groups of higher precedence are subtracted from the whole first.
        for group in sorted(self.groups.keys() - apart, key=_precedence):
            if (whole := self._whole(group)) is None:
                continue
            for part, number in self.groups[group].items():
                if part not in PLAIN_TEXT:
                    by_type[part] = min(number, by_type[whole])
                    by_type[whole] -= by_type[part]
                    if self.exceeds_whole(group) and by_type[part] < number:
                        cut[part] = number
        for group in apart:
            for part, number in self.groups[group].items():
                usage_type = PLAIN_TEXT.get(part, part)
                by_type[usage_type] = by_type.get(usage_type, 0) + number
        return {name: n for name, n in by_type.items() if n or name in KEPT_AT_ZERO}, cut

    def _whole(self, group: str) -> str | None:
        whole = _WHOLE_OF.get(group, "")
        return whole if whole in self.wholes else None

    def _is_apart(self, group: str, beside: frozenset[str]) -> bool:
        return group in beside or (group != "own" and self._whole(group) is None)


def _decide_beside(
    counts: _Counts, beside: frozenset[str], within: frozenset[str]
) -> frozenset[str]:
    """Return the groups that are beside their wholes."""
    beside = _beside_given_uncached(counts, beside)
    if counts.total is not None:
        for arrangement in _arrangements(beside, counts.groups_in_question()):
            included = counts.groups.keys() - arrangement
            fits = not any(counts.exceeds_whole(group) for group in included)
            if fits and is_negligible(counts.total - counts.sum_of_types(arrangement)):
                return arrangement
        if is_negligible(counts.total - counts.sum_of_types(beside)):
            within = GROUPS
    # More cached tokens than input can't be part of the input.
    exceeding = {group for group in counts.groups if counts.exceeds_whole(group)}
    return beside | (exceeding - (within - CACHE))


def _arrangements(beside: frozenset[str], groups: list[str]) -> Iterator[frozenset[str]]:
    """Yield all sets of groups beside their wholes, the likeliest first."""
    yield from (beside, frozenset(), GROUPS)
    if len(groups) <= _MAX_GROUPS:
        for changes in range(1, len(groups) + 1):
            for changed in combinations(groups, changes):
                yield beside.symmetric_difference(changed)


def _beside_given_uncached(counts: _Counts, beside: frozenset[str]) -> frozenset[str]:
    """Return the groups beside their wholes, given the count of uncached input if it was sent."""
    if counts.uncached is None:
        return beside
    if counts.wholes["input"] == counts.uncached:
        return beside | CACHE
    cached = sum(counts.sums.get(group, 0) for group in CACHE)
    return beside - CACHE if counts.wholes["input"] == counts.uncached + cached else beside


def _subtract_timed_writes(parts: dict[str, Number]) -> None:
    """Subtract cache writes by lifetime from the count of all cache writes."""
    timed = {name: parts.pop(name) for name in _TIMED if name in parts}
    for name, number in timed.items():
        if "cache_write" in parts:
            parts["cache_write"] = max(parts["cache_write"] - number, 0)
        if number:
            parts[_TIMED[name]] = number


def _subtract_cached_media(parts: dict[str, Number]) -> None:
    """Subtract cached media from all media: they are cached tokens."""
    cached = {name: parts.pop(name) for name in list(parts) if name.startswith("cached_")}
    for name, number in cached.items():
        media = f"input_{name.removeprefix('cached_')}"
        if media in parts:
            parts[media] = max(parts[media] - number, 0)
    if cached and not parts.get("cache_read"):
        parts["cache_read"] = sum(cached.values())


def group_of(part: str) -> str:
    """Return the group of a part; an unknown name belongs to the side with which it begins."""
    if part in _WHOLE_OF:
        return part
    if part in _GROUP_OF:
        return _GROUP_OF[part]
    return next((f"{side}_own" for side in SIDES if part.startswith(side)), "own")


def is_negligible(difference: Number) -> bool:
    """Return whether numbers with this difference are taken as equal."""
    return not difference or (type(difference) is not int and abs(difference) < _ROUNDING)


def whole_of(group: str) -> str | None:
    """Return the whole that may include a group; None: no whole does."""
    return _WHOLE_OF.get(group)


def _precedence(group: str) -> int:
    return _BY_PRECEDENCE.index(group) if group in _BY_PRECEDENCE else len(_BY_PRECEDENCE)
