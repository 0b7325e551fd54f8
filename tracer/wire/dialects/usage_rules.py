"""Rules that map counts of tokens and dollars to usage and cost."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import mapping
from tracer.wire.dialects.table import OBJECT, Build, Built, Rule
from tracer.wire.usage.evidence import Number
from tracer.wire.usage.metadata import read_with_metadata
from tracer.wire.usage.names import cost_term, costs, costs_by_name, counts, term
from tracer.wire.usage.numbers import amount, count_or_object
from tracer.wire.usage.plain import Recipe, split_plain
from tracer.wire.usage.reading import cost_within, read_cost, read_usage
from tracer.wire.usage.shapes import CACHE_BESIDE, INSIDE, NORMALISED, OWN, Convention, layout

REPORTS: Final = "(reports)"
"""As a part of usage: the providers' own reports, from `usage.metadata.reported`."""
EXCLUSIVE: Final = "(exclusive)"
"""As a part of usage: the provider may have counted cached tokens outside the input."""
INCLUSIVE: Final = "(inclusive)"
"""As a part of usage: the provider counts cached tokens within the input, whatever their names."""


def _with_fast_path(
    build: Build,
    convention: Convention,
    kind: type[Number],
    meaning: Callable[[str], str | None],
) -> Build:
    """Return ``build`` after the fast path for numbers of a ``kind`` without contradictions."""

    @lru_cache(maxsize=1_000)
    def recipes(names: tuple[str, ...], *, normalised: bool) -> tuple[Recipe, ...]:
        return layout(names, NORMALISED if normalised else convention, meaning).plain

    def build_fast(parts: dict[str, Json]) -> Built:
        normalised = INCLUSIVE in parts
        numbers = {**parts} if normalised else parts
        if normalised:
            del numbers[INCLUSIVE]
        if len(numbers) == 1 and OBJECT in numbers:
            numbers = numbers[OBJECT]
        plain = split_plain(numbers, recipes(tuple(numbers), normalised=normalised), kind)
        return build(parts) if plain is None else (plain, True)

    return build_fast


def _usage_as(convention: Convention) -> Build:
    """Return a function that builds usage from counts by name under a convention."""

    def build(parts: dict[str, Json]) -> Built:
        is_inclusive = parts.pop(INCLUSIVE, False)
        if REPORTS in parts or EXCLUSIVE in parts:
            reports, exclusive = parts.pop(REPORTS, []), EXCLUSIVE in parts
            parts.pop(EXCLUSIVE, None)
            return read_with_metadata(parts, reports, exclusive=exclusive)
        whole = parts.pop(OBJECT, None)
        counts = {**whole, **parts} if whole else parts
        return read_usage(counts, NORMALISED if is_inclusive else convention)

    return _with_fast_path(build, convention, int, term)


inclusive_usage: Final = _usage_as(INSIDE)
"""Builds usage from counts whose input and output include their parts."""
exclusive_usage: Final = _usage_as(CACHE_BESIDE)
"""Builds usage from counts whose input excludes cached tokens."""
normalised_usage: Final = _usage_as(NORMALISED)
"""Builds usage from counts that a gateway made inclusive but named like the provider's."""
own_usage: Final = _usage_as(OWN)
"""Builds usage from an application's object: a provider's, or one with types of its own."""
inclusive_cost: Final = _with_fast_path(read_cost, INSIDE, Decimal, cost_term)
"""Builds cost from amounts; what a total has over its parts becomes ``other``."""
own_cost: Final = _with_fast_path(
    lambda parts: read_cost(parts[OBJECT], OWN), OWN, Decimal, cost_term
)
"""Builds cost from an application's object of amounts by type."""


def usage_rules(
    prefix: str,
    build: Build = inclusive_usage,
    *,
    scope: str = "",
    scoped: bool = False,
    late: bool = False,
) -> tuple[Rule, ...]:
    """Return the rules for counts of any name below ``prefix``, and for an object of counts."""
    rules = (
        Rule("usage", f"{prefix}*", count_or_object, build=build, json=True, known=counts),
        Rule("cost", f"{prefix}*", amount, build=inclusive_cost, known=costs_by_name),
        *object_rules(prefix.removesuffix("."), build),
    )
    return tuple(rule._replace(scope=scope, scoped=scoped, late=late) for rule in rules)


def object_rules(key: str, build: Build = own_usage, *, scoped: bool = False) -> tuple[Rule, ...]:
    """Return the rules for an object of counts, and for the costs in it."""
    return (
        Rule("usage", key, mapping, OBJECT, build, json=True, scoped=scoped),
        Rule("cost", key, object_cost, json=True, detail=True, scoped=scoped),
    )


def cost_rules(prefix: str) -> tuple[Rule, ...]:
    """Return the rules for dollars of any name below ``prefix``, and for the total."""
    return (
        Rule("cost", f"{prefix}*", amount, build=inclusive_cost, known=costs),
        Rule("cost", prefix.removesuffix("."), amount, "total", inclusive_cost),
    )


def named_usage(value: Json) -> dict[str, int] | None:
    """Return the usage types of an object of counts from an SDK; None: it has no counts."""
    return read_usage(value, OWN).by_type or None if isinstance(value, dict) else None


def object_cost(value: Json) -> dict[str, Decimal] | None:
    """Return the dollars in an object of counts; None: it has none."""
    return cost_within(value) or None if isinstance(value, dict) else None
