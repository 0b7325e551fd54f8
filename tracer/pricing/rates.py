"""Dollars per million tokens by usage type, in tiers, and what a call costs by them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from tracer.records import INPUT_BUCKETS, OUTPUT_BUCKETS

MOST_DOLLARS: Final = 1_000_000
MOST_TYPES: Final = 50
MOST_TIERS: Final = 20
MOST_CHARACTERS: Final = 200
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")

Name = Annotated[str, Meta(min_length=1, max_length=MOST_CHARACTERS)]
# msgspec has no bounds for decimals: `Rates` checks these.
Dollars = Annotated[
    Decimal,
    Meta(
        description="US dollars per million tokens",
        extra_json_schema={"minimum": 0, "maximum": MOST_DOLLARS},
    ),
]
Prices = Annotated[dict[Name, Dollars], Meta(description="by usage type")]

Told = Callable[[str], str | None]
"""What a call says of a parameter, None: nothing."""

PRICED_AS: Final[dict[str, tuple[str, ...]]] = {
    "input": ("input",),
    "cache_read": ("cache_read", "input"),
    "cache_write": ("cache_write", "cache_write_5m", "input"),
    "cache_write_5m": ("cache_write_5m", "cache_write", "input"),
    "cache_write_1h": ("cache_write_1h", "cache_write", "input"),
    "input_audio": ("input_audio", "input"),
    "input_image": ("input_image", "input"),
    "input_video": ("input_video", "input"),
    "output": ("output",),
    "reasoning": ("reasoning", "output"),
    "output_audio": ("output_audio", "output"),
}
"""Whose price a usage type takes, best first: without its own it is billed like its whole."""

_TRILLIONTH: Final = Decimal("1e-12")
# Python's usual 28 digits are too few for the largest counts at the largest prices.
_EXACT: Final = Context(prec=60)


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices that replace those of the base for calls on which all conditions hold."""

    prices: Prices
    above: Annotated[
        Annotated[int, Meta(ge=0, le=10**12)] | None,
        Meta(description="holds for more input-side tokens than these"),
    ] = None
    parameters: Annotated[
        dict[Name, Name],
        Meta(description='holds where the call says so, e.g. {"service_tier": "flex"}'),
    ] = {}

    @property
    def firmness(self) -> tuple[int, int]:
        """Which of two tiers that hold is laid over the other: the one that asks for more."""
        return len(self.parameters), -1 if self.above is None else self.above

    def holds(self, size: int, told: Told) -> bool:
        """Return whether the prices hold for a call of `size` input-side tokens."""
        if self.above is not None and size <= self.above:
            return False
        return all(
            (said := told(name)) is not None and said.casefold() == wanted.casefold()
            for name, wanted in self.parameters.items()
        )


class Rates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The prices of a model. Raises ValueError "rates.…: expected …" where they can't be."""

    base: Prices
    tiers: Annotated[list[Tier], Meta(max_length=MOST_TIERS)] = []

    def __post_init__(self) -> None:
        _check(self.base, "rates.base")
        for index, tier in enumerate(self.tiers):
            place = f"rates.tiers[{index}]"
            _check(tier.prices, f"{place}.prices")
            if tier.above is None and not tier.parameters:
                raise ValueError(f"{place}: expected a condition: above, parameters or both")
            for part in (*tier.parameters, *tier.parameters.values()):
                check_text(part, f"{place}.parameters", MOST_CHARACTERS)

    @property
    def types(self) -> list[str]:
        """The usage types that have a price somewhere, in their usual order."""
        named = dict.fromkeys([*self.base, *(name for tier in self.tiers for name in tier.prices)])
        return [
            *(name for name in PRICED_AS if name in named),
            *sorted(named.keys() - PRICED_AS.keys()),
        ]

    def held(self, size: int = 0, told: Told = lambda _: None) -> list[Tier]:
        """Return the tiers that hold for a call, the firmest last."""
        held = (tier for tier in self.tiers if tier.holds(size, told))
        return sorted(held, key=lambda tier: tier.firmness)

    def prices(self, size: int = 0, told: Told = lambda _: None) -> Mapping[str, Decimal]:
        """Return the prices that hold for a call: the base, overlaid with the tiers that hold."""
        prices = dict(self.base)
        for tier in self.held(size, told):
            prices |= tier.prices
        return prices

    def cost(self, usage: dict[str, int], told: Told = lambda _: None) -> dict[str, Decimal] | None:
        """Return the dollars of `usage` by type; a type without a price is left out.

        None: none of the types has a price.
        """
        prices = self.prices(input_side(usage), told) if self.tiers else self.base
        cost = {}
        for bucket, count in usage.items():
            price = price_of(prices, bucket)
            if price is not None:
                dollars = _EXACT.scaleb(_EXACT.multiply(price, count), -6)
                cost[bucket] = _EXACT.quantize(dollars, _TRILLIONTH)
        return cost or None


def input_side(usage: dict[str, int]) -> int:
    """Return how many tokens of `usage` went into the model, cached ones included."""
    return sum(count for bucket, count in usage.items() if bucket.startswith(INPUT_BUCKETS))


def price_of(prices: Mapping[str, Decimal], bucket: str) -> Decimal | None:
    """Return the price of a usage type, its own or its side's; None: it has none."""
    for name in PRICED_AS.get(bucket) or _priced_as(bucket):
        if (price := prices.get(name)) is not None:
            return price
    return None


def _priced_as(bucket: str) -> tuple[str, ...]:
    """Return whose price a usage type of any name takes: without its own, that of plain tokens."""
    if bucket.startswith(INPUT_BUCKETS):
        return bucket, "input"
    return (bucket, "output") if bucket.startswith(OUTPUT_BUCKETS) else (bucket,)


def check_dollars(price: Decimal, field: str) -> None:
    """Raise ValueError "field: …" where this is no price per million tokens."""
    if not (price.is_finite() and 0 <= price <= MOST_DOLLARS):
        raise ValueError(f"{field}: expected dollars from 0 to {MOST_DOLLARS:,}, got {price}")


def _check(prices: Prices, field: str) -> None:
    if not 1 <= len(prices) <= MOST_TYPES:
        raise ValueError(f"{field}: expected 1 to {MOST_TYPES} prices, got {len(prices)}")
    for name, price in prices.items():
        check_text(name, field, MOST_CHARACTERS)
        check_dollars(price, f"{field}.{name}")


def check_text(text: str, field: str, most: int) -> None:
    """Raise ValueError "field: …" where this can't be a name or pattern: the database's limits."""
    if not 1 <= len(text) <= most or _UNSAFE.search(text) or text != text.strip():
        wanted = f"1 to {most} characters, no controls, no space at the ends"
        raise ValueError(f"{field}: expected {wanted}")
