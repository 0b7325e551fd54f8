"""The fast path for numbers without contradictions, as in most spans.

The result equals that of `evidence.settle`: a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from tracer.wire.usage.evidence import (
    CACHE,
    GROUPS,
    KEPT_AT_ZERO,
    PLAIN_TEXT,
    SIDES,
    Number,
    group_of,
    is_negligible,
    whole_of,
)
from tracer.wire.usage.numbers import MAX_COUNT

_NO_PARTS: Final = ("total", "input", "output", "input_rest")
_INDIRECT: Final = ("ephemeral", "cached")
"""Prefixes of terms that are parts of parts."""


class Part(NamedTuple):
    """A part's name, its usage type, and whether a count of zero is kept."""

    name: str
    usage_type: str
    kept: bool


class Side(NamedTuple):
    """A whole and the parts within it."""

    name: str
    usage_type: str
    parts: tuple[Part, ...]
    media: tuple[str, ...]
    """Names of counts by medium, including text."""
    cached: tuple[str, ...]
    """Names of the cached and the uncached tokens; empty: the latter are not sent."""


class Recipe(NamedTuple):
    """How to split the numbers of a set of names into usage types, if they agree."""

    synonyms: tuple[tuple[str, str], ...]
    """Pairs of names of one term, which must have equal numbers."""
    sides: tuple[Side, ...]
    apart: tuple[Part, ...]
    total: str | None


def recipes(terms: tuple[tuple[str, str], ...], beside: frozenset[str]) -> tuple[Recipe, ...]:
    """Return the recipes for these names and terms, the likeliest first.

    Without a total there is at most one.
    """
    arrangements = dict.fromkeys((beside, frozenset(), GROUPS))
    candidates = [
        candidate for arrangement in arrangements if (candidate := _recipe(terms, arrangement))
    ]
    if not candidates or not _recipe(terms, beside):
        return ()
    return tuple(candidates if candidates[0].total else candidates[:1])


def split_plain(
    numbers: Mapping[str, Number], recipes: Iterable[Recipe], kind: type[Number] = int
) -> dict[str, Number] | None:
    """Return the usage types of numbers by name; None: they contradict every recipe.

    None as well for a value that is not of this ``kind``, int or Decimal.
    """
    for number in numbers.values():
        if type(number) is not kind or not 0 <= number <= MAX_COUNT:
            return None
    for recipe in recipes:
        if (by_type := _split(numbers, recipe)) is not None:
            return by_type
    return None


def _split(numbers: Mapping[str, Number], recipe: Recipe) -> dict[str, Number] | None:
    synonyms, sides, apart, total = recipe
    for name, synonym in synonyms:
        if numbers[name] != numbers[synonym]:
            return None
    by_type: dict[str, Number] = {}
    for whole_name, side, parts, media, cached in sides:
        whole = remaining = numbers[whole_name]
        for name, usage_type, kept in parts:
            number = numbers[name]
            remaining -= number
            if number or kept:
                by_type[usage_type] = number
        if remaining < 0 or (media and sum([numbers[name] for name in media]) > whole):
            return None
        if cached and sum([numbers[name] for name in cached]) != whole:
            return None
        by_type[side] = remaining
    for name, usage_type, kept in apart:
        if numbers[name] or kept:
            by_type[usage_type] = numbers[name]
    if total is not None and (difference := numbers[total] - sum(by_type.values())):
        return by_type if is_negligible(difference) else None
    return by_type


def _recipe(terms: tuple[tuple[str, str], ...], beside: frozenset[str]) -> Recipe | None:
    """Return the recipe for these names and terms; None: `evidence.settle` must decide."""
    named = {term: name for name, term in reversed(terms)}
    synonyms = tuple((name, named[term]) for name, term in terms if named[term] != name)
    if named.keys() == {"total"}:
        return Recipe(synonyms, (), (Part(named["total"], "total", kept=True),), None)
    parts = {part: name for part, name in named.items() if part not in _NO_PARTS}
    wholes = [side for side in SIDES if side in named]
    if not wholes or any(part.startswith(_INDIRECT) for part in parts):
        return None
    apart = [part for part in parts if group_of(part) in beside or _whole(part) not in wholes]
    cache_apart = any(group_of(part) in CACHE for part in apart)
    if "input_rest" in named and ("input" not in wholes or cache_apart):
        return None
    if not PLAIN_TEXT.keys().isdisjoint(apart):
        return None
    return Recipe(
        synonyms=synonyms,
        sides=tuple(
            _side(side, named, [part for part in parts if part not in apart]) for side in wholes
        ),
        apart=tuple(Part(named[part], part, part in KEPT_AT_ZERO) for part in apart),
        total=named.get("total"),
    )


def _whole(part: str) -> str | None:
    return whole_of(group_of(part))


def _side(side: str, named: Mapping[str, str], inside: Iterable[str]) -> Side:
    own = [part for part in inside if _whole(part) == side]
    uncached = ["input_rest"] if side == "input" and "input_rest" in named else []
    cached = [part for part in own if group_of(part) in CACHE]
    return Side(
        name=named[side],
        usage_type=side,
        parts=tuple(Part(named[p], p, p in KEPT_AT_ZERO) for p in own if p not in PLAIN_TEXT),
        media=tuple(named[part] for part in own if group_of(part) == f"{side}_media"),
        cached=tuple(named[part] for part in cached + uncached) if uncached else (),
    )
