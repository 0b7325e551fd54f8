"""From counts that may contain each other to buckets that don't: which part is in which whole.

The total that was sent decides. Without one, parts that exceed their whole lie beside it, and
otherwise the convention of the provider's shape, of the dialect or of the scope holds.
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
"""Parts that a source counts together, either in their whole or beside it; others are alone."""
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
"""The whole that may hold a group; of a part whose name tells no side (``own``) there is none."""
GROUPS: Final = frozenset((*_WHOLE_OF, "own"))

# Parts of one whole may overlap (a cached picture is in two of them): the last ones give way.
_FIRMEST_FIRST: Final = ("cache_read", "cache_write", "reasoning", "input_tool_use")
KEPT_AT_ZERO: Final = ("input", "output", "cache_read", "cache_write", "reasoning")
PLAIN: Final = {"input_text": "input", "output_text": "output"}
"""Text is what a side's plain tokens are."""
_TIMED: Final = {"ephemeral_5m": "cache_write_5m", "ephemeral_1h": "cache_write_1h"}
# No provider has more; all ways to arrange them double with each.
_MOST_GROUPS: Final = 6
# Parts are often rounded one by one: a trillionth of a dollar is no difference.
_NOTHING: Final = Decimal("1e-12")


class Settled(NamedTuple):
    """Disjoint buckets, and what could not be reconciled about the counts that were sent."""

    buckets: dict[str, Number]
    cut: dict[str, Number]
    """Parts, as sent, of a group that is larger than the whole which has to hold it."""
    missing: Number
    """What the sent total has over the buckets; below zero: the buckets over the total."""


def settle(
    sent: Mapping[str, Number], beside: frozenset[str], firm: frozenset[str] = frozenset()
) -> Settled:
    """Return the buckets of ``sent``, numbers by term as `names.term` has them.

    ``beside`` are the groups that the source counts apart from their wholes where no total shows
    otherwise, ``firm`` those that are known to lie in their whole, however large they are.
    """
    counts = _Counts(sent)
    if counts.groups:
        buckets, cut = counts.split(_arrange(counts, beside, firm))
    else:
        buckets, cut = counts.wholes, {}
    if counts.total is None:
        return Settled(buckets, cut, 0)
    if not buckets:
        return Settled({"total": counts.total}, cut, 0)
    missing = counts.total - sum(buckets.values())
    return Settled(buckets, cut, 0 if is_nothing(missing) else missing)


class _Counts:
    """Wholes, and their parts by group."""

    def __init__(self, sent: Mapping[str, Number]) -> None:
        rest = dict(sent)
        self.total = rest.pop("total", None)
        self.uncached = rest.pop("input_rest", None)
        self.wholes: dict[str, Number] = {side: rest.pop(side) for side in SIDES if side in rest}
        if self.uncached is not None:
            self.wholes.setdefault("input", self.uncached)
        self.groups: dict[str, dict[str, Number]] = {}
        if rest:
            _take_out_timed_writes(rest)
            _take_out_cached_media(rest)
            for part, number in rest.items():
                self.groups.setdefault(group_of(part), {})[part] = number
        self.sums = {group: sum(parts.values()) for group, parts in self.groups.items()}

    def total_of(self, beside: frozenset[str]) -> Number:
        """Return the sum of all buckets if the groups of ``beside`` lie beside their wholes."""
        apart = [number for group, number in self.sums.items() if self._is_apart(group, beside)]
        return sum(self.wholes.values()) + sum(apart)

    def too_large(self, group: str) -> bool:
        """Return whether a group can't lie within its whole."""
        whole = self._whole(group)
        return whole is not None and bool(self.sums[group] > self.wholes[whole])

    def undecided(self) -> list[str]:
        """Return the groups of which it matters whether they lie beside their whole."""
        return [
            group
            for group, number in self.sums.items()
            if number and (group == "own" or self._whole(group))
        ]

    def split(self, beside: frozenset[str]) -> tuple[dict[str, Number], dict[str, Number]]:
        """Return the buckets, and the parts that were cut to fit into their whole."""
        buckets = dict(self.wholes)
        cut: dict[str, Number] = {}
        apart = [group for group in self.groups if self._is_apart(group, beside)]
        # The firmer groups take their share of the whole first.
        for group in sorted(self.groups.keys() - apart, key=_firmness):
            if (whole := self._whole(group)) is None:
                continue
            for part, number in self.groups[group].items():
                if part not in PLAIN:
                    buckets[part] = min(number, buckets[whole])
                    buckets[whole] -= buckets[part]
                    if self.too_large(group) and buckets[part] < number:
                        cut[part] = number
        for group in apart:
            for part, number in self.groups[group].items():
                bucket = PLAIN.get(part, part)
                buckets[bucket] = buckets.get(bucket, 0) + number
        return {name: n for name, n in buckets.items() if n or name in KEPT_AT_ZERO}, cut

    def _whole(self, group: str) -> str | None:
        whole = _WHOLE_OF.get(group, "")
        return whole if whole in self.wholes else None

    def _is_apart(self, group: str, beside: frozenset[str]) -> bool:
        return group in beside or (group != "own" and self._whole(group) is None)


def _arrange(counts: _Counts, beside: frozenset[str], firm: frozenset[str]) -> frozenset[str]:
    """Return the groups that lie beside their wholes."""
    beside = _by_the_uncached(counts, beside)
    if counts.total is not None:
        for arrangement in _arrangements(beside, counts.undecided()):
            within = counts.groups.keys() - arrangement
            fits = not any(counts.too_large(group) for group in within)
            if fits and is_nothing(counts.total - counts.total_of(arrangement)):
                return arrangement
        if is_nothing(counts.total - counts.total_of(beside)):
            firm = GROUPS
    # More cached tokens than input never were within the input: reuse has no other bound.
    exceeding = {group for group in counts.groups if counts.too_large(group)}
    return beside | (exceeding - (firm - CACHE))


def _arrangements(beside: frozenset[str], groups: list[str]) -> Iterator[frozenset[str]]:
    """Yield every way to have ``groups`` in or beside their wholes, the likeliest first."""
    yield from (beside, frozenset(), GROUPS)
    if len(groups) <= _MOST_GROUPS:
        for changes in range(1, len(groups) + 1):
            for changed in combinations(groups, changes):
                yield beside.symmetric_difference(changed)


def _by_the_uncached(counts: _Counts, beside: frozenset[str]) -> frozenset[str]:
    """Let the input without cached tokens, where it was sent, decide where those are counted."""
    if counts.uncached is None:
        return beside
    if counts.wholes["input"] == counts.uncached:
        return beside | CACHE
    cached = sum(counts.sums.get(group, 0) for group in CACHE)
    return beside - CACHE if counts.wholes["input"] == counts.uncached + cached else beside


def _take_out_timed_writes(parts: dict[str, Number]) -> None:
    """Take writes to the cache that are told by how long they live out of the count of all."""
    timed = {name: parts.pop(name) for name in _TIMED if name in parts}
    for name, number in timed.items():
        if "cache_write" in parts:
            parts["cache_write"] = max(parts["cache_write"] - number, 0)
        if number:
            parts[_TIMED[name]] = number


def _take_out_cached_media(parts: dict[str, Number]) -> None:
    """Take the cached pictures and sounds out of all of them: they are cached tokens."""
    cached = {name: parts.pop(name) for name in list(parts) if name.startswith("cached_")}
    for name, number in cached.items():
        media = f"input_{name.removeprefix('cached_')}"
        if media in parts:
            parts[media] = max(parts[media] - number, 0)
    if cached and not parts.get("cache_read"):
        parts["cache_read"] = sum(cached.values())


def group_of(part: str) -> str:
    """Return the group of a part; one of a name of its own goes by the side it begins with."""
    if part in _WHOLE_OF:
        return part
    if part in _GROUP_OF:
        return _GROUP_OF[part]
    return next((f"{side}_own" for side in SIDES if part.startswith(side)), "own")


def is_nothing(difference: Number) -> bool:
    """Return whether two numbers that differ by this are one."""
    return not difference or abs(difference) < _NOTHING


def whole_of(group: str) -> str | None:
    """Return the whole that may hold a group."""
    return _WHOLE_OF.get(group)


def _firmness(group: str) -> int:
    return _FIRMEST_FIRST.index(group) if group in _FIRMEST_FIRST else len(_FIRMEST_FIRST)
