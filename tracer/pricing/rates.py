"""Dollars per million tokens by usage type, in tiers; computes the cost of a call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from functools import lru_cache
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from tracer.records import INPUT_PREFIXES, OUTPUT_PREFIXES

MAX_DOLLARS: Final = 1_000_000
MAX_TYPES: Final = 50
MAX_TIERS: Final = 20
MAX_CHARACTERS: Final = 200
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")

Name = Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS)]
# msgspec has no bounds for decimals: `Rates` checks these.
Dollars = Annotated[
    Decimal,
    Meta(
        description="US dollars per million tokens",
        extra_json_schema={"minimum": 0, "maximum": MAX_DOLLARS},
    ),
]
Prices = Annotated[dict[Name, Dollars], Meta(description="by usage type")]

ParameterOf = Callable[[str], str | None]
"""Returns a parameter of a call by name; None: it was not sent."""

PRICE_FALLBACKS: Final[dict[str, tuple[str, ...]]] = {
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
"""Usage types whose prices apply to a type, the preferred one first.

Without a price of its own, a type is billed like the one that contains it: audio like input.
"""

_TRILLIONTH: Final = Decimal("1e-12")
# Python's usual 28 digits are too few for the largest counts at the largest prices.
_EXACT: Final = Context(prec=60)


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices that replace the base prices for calls that meet all conditions."""

    prices: Prices
    above: Annotated[
        Annotated[int, Meta(ge=0, le=10**12)] | None,
        Meta(description="applies to calls with more input-side tokens"),
    ] = None
    parameters: Annotated[
        dict[Name, Name],
        Meta(description='applies to calls with these parameters, e.g. {"service_tier": "flex"}'),
    ] = {}

    @property
    def precedence(self) -> tuple[int, int]:
        """Sort key: of two tiers that apply, the one with the greater key overrides the other."""
        return len(self.parameters), -1 if self.above is None else self.above

    def applies_to(self, size: int, parameter_of: ParameterOf) -> bool:
        """Return whether the prices apply to a call with `size` input-side tokens."""
        if self.above is not None and size <= self.above:
            return False
        return all(
            (sent := parameter_of(name)) is not None and sent.casefold() == expected.casefold()
            for name, expected in self.parameters.items()
        )


class Rates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The prices of a model. Raises ValueError "rates.…: expected …" if they are invalid."""

    base: Prices
    tiers: Annotated[list[Tier], Meta(max_length=MAX_TIERS)] = []

    def __post_init__(self) -> None:
        _check(self.base, "rates.base")
        for index, tier in enumerate(self.tiers):
            name = f"rates.tiers[{index}]"
            _check(tier.prices, f"{name}.prices")
            if tier.above is None and not tier.parameters:
                raise ValueError(f"{name}: expected a condition: above, parameters or both")
            for text in (*tier.parameters, *tier.parameters.values()):
                check_text(text, f"{name}.parameters", MAX_CHARACTERS)

    @property
    def types(self) -> list[str]:
        """The usage types with a price, base or in a tier: known ones in order, then by name."""
        named = dict.fromkeys([*self.base, *(name for tier in self.tiers for name in tier.prices)])
        return [
            *(name for name in PRICE_FALLBACKS if name in named),
            *sorted(named.keys() - PRICE_FALLBACKS.keys()),
        ]

    def active_tiers(self, size: int = 0, parameter_of: ParameterOf = lambda _: None) -> list[Tier]:
        """Return the tiers that apply to a call; later ones override earlier ones."""
        active = (tier for tier in self.tiers if tier.applies_to(size, parameter_of))
        return sorted(active, key=lambda tier: tier.precedence)

    def prices(
        self, size: int = 0, parameter_of: ParameterOf = lambda _: None
    ) -> Mapping[str, Decimal]:
        """Return the prices for a call: the base prices, overridden by the tiers that apply."""
        prices = dict(self.base)
        for tier in self.active_tiers(size, parameter_of):
            prices |= tier.prices
        return prices

    def cost(
        self, usage: dict[str, int], parameter_of: ParameterOf = lambda _: None
    ) -> dict[str, Decimal] | None:
        """Return the dollars of `usage` by type; a type without a price is left out.

        None: none of the types has a price.
        """
        prices = self.prices(input_side(usage), parameter_of) if self.tiers else self.base
        cost = {}
        for usage_type, count in usage.items():
            price = price_of(prices, usage_type)
            if price is not None:
                dollars, exact = _per_token(price)
                dollars = _EXACT.multiply(dollars, count)
                # A product has as many decimals as its price: zeros at its end would be stored.
                cost[usage_type] = dollars if exact else _EXACT.quantize(dollars, _TRILLIONTH)
        return cost or None


@lru_cache(maxsize=10_000)
def _per_token(price: Decimal) -> tuple[Decimal, bool]:
    """Return the price of one token, and whether it is a number of trillionths."""
    dollars = _EXACT.normalize(_EXACT.scaleb(price, -6))
    return dollars, dollars == _EXACT.quantize(dollars, _TRILLIONTH)


def input_side(usage: dict[str, int]) -> int:
    """Return the number of input-side tokens, including cached ones."""
    return sum(
        count for usage_type, count in usage.items() if usage_type.startswith(INPUT_PREFIXES)
    )


def price_of(prices: Mapping[str, Decimal], usage_type: str) -> Decimal | None:
    """Return the price of a usage type: its own, else that of a fallback; None: it has none."""
    for name in PRICE_FALLBACKS.get(usage_type) or _default_fallbacks(usage_type):
        if (price := prices.get(name)) is not None:
            return price
    return None


def _default_fallbacks(usage_type: str) -> tuple[str, ...]:
    """Return the types whose prices apply to an unknown type: itself, then input or output."""
    if usage_type.startswith(INPUT_PREFIXES):
        return usage_type, "input"
    return (usage_type, "output") if usage_type.startswith(OUTPUT_PREFIXES) else (usage_type,)


def check_dollars(price: Decimal, field: str) -> None:
    """Raise ValueError "field: …" if this is no valid price per million tokens."""
    if not (price.is_finite() and 0 <= price <= MAX_DOLLARS):
        raise ValueError(f"{field}: expected dollars from 0 to {MAX_DOLLARS:,}, got {price}")


def _check(prices: Prices, field: str) -> None:
    if not 1 <= len(prices) <= MAX_TYPES:
        raise ValueError(f"{field}: expected 1 to {MAX_TYPES} prices, got {len(prices)}")
    for name, price in prices.items():
        check_text(name, field, MAX_CHARACTERS)
        check_dollars(price, f"{field}.{name}")


def check_text(text: str, field: str, maximum: int) -> None:
    """Raise ValueError "field: …" if the database can't store this name or pattern."""
    if not 1 <= len(text) <= maximum or _UNSAFE.search(text) or text != text.strip():
        rule = "no control characters, no leading or trailing spaces"
        raise ValueError(f"{field}: expected 1 to {maximum} characters, {rule}")
