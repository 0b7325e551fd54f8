"""Reads usage and cost from counts and amounts: flattened or nested, in any spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tracer.records import INPUT_PREFIXES, OUTPUT_PREFIXES, Json
from tracer.wire.usage.evidence import Number, settle
from tracer.wire.usage.names import MONEY, cost_term, costs_by_name, counts, term, tier_of, words_of
from tracer.wire.usage.numbers import amount, count, leaves
from tracer.wire.usage.plain import Recipe, split_plain
from tracer.wire.usage.shapes import INSIDE, Convention, Layout, layout

UNRECONCILED: Final = "unreconciled"
"""The flag and the note of contradicting counts."""

# Names of the default tier.
_USUAL_TIERS: Final = ("standard", "default", "auto", "on_demand", "not_available")
_SERVICE_TIER: Final = ("service", "tier")
_OTHER: Final = "other"
# xAI's unit of money, of a dollar.
_TICKS: Final = 10**10


class Usage(NamedTuple):
    """Tokens in disjoint usage types."""

    by_type: dict[str, int]
    complete: bool
    """The usage types and the note hold everything that was sent."""
    note: dict[str, Json]
    """``unreconciled`` with the figures, ``ignored``, ``service_tier``."""


class Cost(NamedTuple):
    """Dollars in disjoint usage types."""

    by_type: dict[str, Decimal]
    complete: bool


def read_usage(sent: Mapping[str, Json], convention: Convention = INSIDE) -> Usage:
    """Return the usage of counts by name; an invalid value is ignored, the others are used."""
    flat = _flat(sent)
    names = layout(tuple(flat), convention)
    if (plain := read_plain(flat, names.plain)) is not None:
        return Usage(plain, complete=True, note={})
    failed = [name for name in flat if counts(name) and count(flat[name]) is None]
    if failed:
        # The name of an invalid value must not decide the provider of the others.
        flat = {name: value for name, value in flat.items() if name not in failed}
        names = layout(tuple(flat), convention)
    numbers, whole, not_counts = _numbers(flat, names, count)
    if not numbers:
        ignored = failed + not_counts
        return Usage({}, complete=False, note={"ignored": ignored} if ignored else {})
    by_type, cut, missing = settle(numbers, names.beside, names.within)
    if missing > 0 and (side := _missing_side(by_type)):
        # The total and one side give the other side.
        by_type[side], missing = missing, 0
    note: dict[str, Json] = {}
    if missing or cut:
        note = {UNRECONCILED: True, **_figures(numbers, missing, cut)}
    if missing > 0:
        by_type[_OTHER] = missing
    unused = [name for name in names.own if name not in by_type and numbers.get(name)]
    if ignored := failed + not_counts + unused:
        note["ignored"] = ignored
    if tier := _tier(flat, names):
        note["service_tier"] = tier
    complete = whole and not (missing or cut or ignored or _has_other_values(flat, names))
    return Usage(by_type, complete, note)


def read_plain(
    sent: Mapping[str, Number], plain: Iterable[Recipe], kind: type[Number] = int
) -> dict[str, Number] | None:
    """Return the usage types of numbers without contradictions; None: `settle` must decide.

    ``plain`` are the recipes of the names' `Layout`.
    """
    return split_plain(sent, plain, kind)


def read_cost(sent: Mapping[str, Json], convention: Convention = INSIDE) -> Cost:
    """Return the dollars of amounts by name; the rest of a total over its parts is ``other``."""
    names = layout(tuple(sent), convention, cost_term)
    if (plain := read_plain(sent, names.plain, Decimal)) is not None:
        return Cost(plain, complete=True)
    flat = _flat(sent)
    names = layout(tuple(flat), convention, cost_term)
    amounts, whole, failed = _numbers(flat, names, amount)
    if not amounts:
        return Cost({}, complete=False)
    by_type, _, missing = settle(amounts, names.beside)
    if missing > 0:
        by_type[_OTHER] = missing
    return Cost(by_type, whole and not failed and missing >= 0)


def cost_within(sent: Mapping[str, Json]) -> dict[str, Decimal]:
    """Return the dollars in an object of counts, as OpenRouter sends them."""
    money = _money(tuple(sent))
    if not money:
        return {}
    amounts = leaves({name: sent[name] for name in money})
    named = {name: value for name, value in amounts.items() if costs_by_name(name)}
    cost = read_cost(named).by_type
    if not cost and (ticks := amount(_first(sent, "cost_in_usd_ticks", "costInUsdTicks"))):
        cost["total"] = ticks / _TICKS
    if sent.get("is_byok") is True and "total" in cost:
        # With the customer's own key the provider bills the call, and the reseller a fee.
        details = sent.get("cost_details") or sent.get("costDetails")
        upstream = amount(_first(details, "upstream_inference_cost", "upstreamInferenceCost"))
        cost["total"] += upstream or 0
    return cost


@lru_cache(maxsize=1_000)
def _money(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if term(name) == MONEY]


def _first(sent: Json, *names: str) -> Json:
    values = sent if isinstance(sent, dict) else {}
    return next((values[name] for name in names if name in values), None)


def _flat(sent: Mapping[str, Json]) -> Mapping[str, Json]:
    for value in sent.values():
        if value is None or isinstance(value, (dict, list)):
            return leaves(sent)
    return sent


def _numbers(
    flat: Mapping[str, Json], names: Layout, parse: Callable[[Json], Any]
) -> tuple[dict[str, Number], bool, list[str]]:
    """Return numbers by term, whether names of one term agree, and names without a number."""
    numbers: dict[str, Number] = {}
    failed: list[str] = []
    agree = True
    for name, meaning in names.terms:
        value = flat[name]
        number = parse(value)
        if number is not None:
            agree = numbers.setdefault(meaning, number) == number and agree
        elif value is not None:
            failed.append(name)
    for name in names.own:
        if (number := parse(flat[name])) is not None:
            numbers[name] = number
        elif type(flat[name]) in (int, float):
            failed.append(name)
    return numbers, agree, failed


def _missing_side(by_type: Mapping[str, int]) -> str | None:
    """Return the side without usage types if the other side has some."""
    has_input = any(name.startswith(INPUT_PREFIXES) for name in by_type)
    has_output = any(name.startswith(OUTPUT_PREFIXES) for name in by_type)
    if has_input == has_output:
        return None
    return "output" if has_input else "input"


def _figures(counts: Mapping[str, int], missing: int, cut: Mapping[str, int]) -> dict[str, Json]:
    figures: dict[str, Json] = {"larger_than_whole": dict(cut)} if cut else {}
    if missing:
        figures |= {"total": counts["total"], "sum": counts["total"] - missing}
    return figures


def _tier(flat: Mapping[str, Json], names: Layout) -> str | None:
    """Return the service tier in the counts; None: the default tier."""
    for name in names.tiers:
        if count(flat[name]):
            return tier_of(name)
    for name in names.own + names.unknown:
        if words_of(name) == _SERVICE_TIER and isinstance(tier := flat[name], str):
            return None if tier.lower() in _USUAL_TIERS else tier
    return None


def _has_other_values(flat: Mapping[str, Json], names: Layout) -> bool:
    """Return whether anything besides counts and the tier was sent."""
    words = [name for name in names.own if count(flat[name]) is None]
    return any(
        flat[name] not in (None, 0, "", False) and words_of(name) != _SERVICE_TIER
        for name in (*names.unknown, *words)
    )
