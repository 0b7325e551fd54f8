"""Converts Langfuse's model definitions to prices, and back."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from tracer.errors import Invalid
from tracer.pricing.price_book import PriceDraft
from tracer.pricing.rates import Rates, Tier
from tracer.wire.langfuse.words import BUCKET_NAMES
from tracer.wire.reading import invalid_field
from tracer.wire.usage.names import usage_type_of

_MILLION: Final = Decimal(1_000_000)
_META: Final = re.compile(r"[\[\](){}|+?^$\\*]")
# Names of prices in the first form.
_PLAIN: Final = {"input_price": "input", "output_price": "output", "total_price": "total"}

Price = Annotated[float, Meta(ge=0, le=1)]


class Condition(msgspec.Struct, kw_only=True, rename="camel"):
    """The condition of a tier: on the usage, or on a parameter of the call."""

    usage_detail_pattern: str | None = None
    operator: Literal["gt", "gte", "lt", "lte", "eq", "neq", "in"] = "gt"
    value: float | None = None
    case_sensitive: bool = False
    source: Literal["model_parameters", "metadata"] | None = None
    key: str | None = None
    values: list[str] = []


class TierBody(msgspec.Struct, kw_only=True, rename="camel"):
    """Prices for calls that meet the conditions; without conditions, for all other calls."""

    name: str
    prices: dict[str, Price]
    is_default: bool = False
    priority: int = 0
    conditions: list[Condition] = []


class ModelBody(msgspec.Struct, kw_only=True, rename="camel"):
    """A model definition: dollars per token."""

    model_name: Annotated[str, Meta(min_length=1, max_length=200)]
    match_pattern: Annotated[str, Meta(min_length=1, max_length=200)]
    start_date: datetime | None = None
    unit: str | None = None
    input_price: Price | None = None
    output_price: Price | None = None
    total_price: Price | None = None
    pricing_tiers: list[TierBody] | None = None
    tokenizer_id: str | None = None
    tokenizer_config: Any = None


def price_draft(body: ModelBody) -> PriceDraft:
    """Return the price of a definition. Raises Invalid for conditions that Tracer lacks."""
    tiers = body.pricing_tiers or []
    plain = {
        usage_type: dollars
        for name, usage_type in _PLAIN.items()
        if (dollars := getattr(body, name)) is not None
    }
    if "total" in plain and len(plain) > 1:
        raise Invalid.of_field("totalPrice", "expected none beside inputPrice and outputPrice")
    if bool(tiers) == bool(plain):
        raise Invalid.of_field("pricingTiers", "expected either prices or pricing tiers")
    defaults = [tier for tier in tiers if tier.is_default or not tier.conditions]
    if tiers and len(defaults) != 1:
        raise Invalid.of_field("pricingTiers", "expected exactly one default, without conditions")
    base = defaults[0].prices if tiers else plain
    others = [other for tier in tiers if tier is not defaults[0] for other in _tiers(tier)]
    try:
        return PriceDraft(
            model=_glob(body.match_pattern),
            rates=Rates(base=_per_million(base), tiers=others),
            start_time=body.start_date,
            note=body.model_name,
        )
    except ValueError as error:
        raise invalid_field(error) from None


def _tiers(tier: TierBody) -> list[Tier]:
    above: int | None = None
    choices: list[dict[str, str]] = [{}]
    for condition in tier.conditions:
        if condition.usage_detail_pattern is not None:
            above = _above(condition)
        elif condition.source == "model_parameters" and condition.key and condition.values:
            choices = [
                {**parameters, condition.key: value}
                for parameters in choices
                for value in condition.values
            ]
        else:
            raise Invalid.of_field(
                "pricingTiers", f"{tier.name}: conditions on metadata are not known"
            )
    prices = _per_million(tier.prices)
    return [Tier(prices=prices, above=above, parameters=choice) for choice in choices]


def _above(condition: Condition) -> int:
    """Return the number of input-side tokens above which the condition is met."""
    if condition.operator not in ("gt", "gte") or condition.value is None:
        raise Invalid.of_field("pricingTiers", "expected usage to be compared by gt or gte")
    if "input" not in (condition.usage_detail_pattern or "").lower():
        raise Invalid.of_field("pricingTiers", "expected the usage of the input side")
    return int(condition.value) - (condition.operator == "gte")


def _per_million(prices: dict[str, float]) -> dict[str, Decimal]:
    return {
        usage_type_of(name): Decimal(repr(dollars)) * _MILLION for name, dollars in prices.items()
    }


def per_token(prices: dict[str, Decimal]) -> dict[str, float]:
    """Return dollars per token by Langfuse's names, given dollars per million by Tracer's."""
    return {
        BUCKET_NAMES.get(name, name): float(dollars / _MILLION) for name, dollars in prices.items()
    }


def _glob(pattern: str) -> str:
    """Return a pattern for the same names, in which ``*`` matches any text."""
    plain = pattern.removeprefix("(?i)")
    start = "" if plain.startswith("^") else "*"
    end = "" if plain.endswith("$") else "*"
    plain = plain.removeprefix("^").removesuffix("$")
    if plain.startswith("(") and plain.endswith(")"):
        plain = plain[1:-1]
    parts = [re.sub(r"\\([-./:@_])", r"\1", part) for part in plain.split(".*")]
    if any(_META.search(part) for part in parts):
        raise Invalid.of_field(
            "matchPattern", f"expected a name in which .* stands for any text, got {pattern!r}"
        )
    return re.sub(r"\*+", "*", start + "*".join(parts) + end)


def match_pattern(glob: str) -> str:
    """Return a name or pattern of Tracer as a regular expression."""
    return f"(?i)^({'.*'.join(re.escape(part) for part in glob.split('*'))})$"
