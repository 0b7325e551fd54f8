"""Prices in Langfuse's format: models with pricing tiers, in US dollars per token."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tracer.pricing.list_prices import ListPrice
from tracer.pricing.rates import Rates, Tier
from tracer.store.projects.prices import PriceRow, base_id_of
from tracer.times import json_time_in_millis
from tracer.web.answers.traces import Time
from tracer.wire.langfuse.models import match_pattern, per_token

LISTED: Final = "list:"
"""The prefix of ids of the built-in list's entries."""
_EPOCH: Final = "1970-01-01T00:00:00.000Z"


class PricingTier(msgspec.Struct, kw_only=True, rename="camel"):
    """Prices in US dollars per token, and the conditions under which they apply."""

    id: str
    name: str
    is_default: bool
    priority: int
    conditions: list[dict[str, Any]]
    prices: dict[str, float]


class ModelPrice(msgspec.Struct, kw_only=True, rename="camel"):
    """A price in US dollars per token."""

    price: float


class Model(msgspec.Struct, kw_only=True, rename="camel"):
    """The definition of a model."""

    id: str
    model_name: str
    match_pattern: str
    start_date: Time | None
    unit: str
    input_price: float | None
    output_price: float | None
    total_price: float | None
    tokenizer_id: None
    tokenizer_config: None
    is_langfuse_managed: bool
    created_at: Time
    prices: dict[str, ModelPrice]
    pricing_tiers: list[PricingTier]


def own_model(row: PriceRow) -> Model:
    """Return a price of the project as a model, which keeps its id when it is changed."""
    return _model(
        base_id_of(row.price_id),
        row.note or row.model,
        match_pattern(row.model),
        row.rates,
        start_date=None if row.start_time is None else json_time_in_millis(row.start_time),
        created_at=json_time_in_millis(row.created_at),
        is_langfuse_managed=False,
    )


def list_id(entry: ListPrice) -> str:
    """Return the id of an entry of the built-in list, without slashes for use in paths."""
    return LISTED + f"{entry.provider}:{entry.model}".replace("/", ":")


def tier_name(tier: Tier | None) -> str:
    """Return the name of a tier; None: the base prices, which apply where no tier does."""
    if tier is None:
        return "Standard"
    return ", ".join(tier.parameters.values()) or f"more than {tier.above}"


def listed_model(entry: ListPrice) -> Model:
    """Return an entry of the built-in list as a model."""
    return _model(
        list_id(entry),
        entry.model,
        match_pattern(entry.model),
        entry.rates,
        start_date=None,
        created_at=_EPOCH,
        is_langfuse_managed=True,
    )


def _model(model_id: str, name: str, pattern: str, rates: Rates, **more: Any) -> Model:
    base = per_token(dict(rates.base))
    tiers = [_tier(model_id, index, tier) for index, tier in enumerate(rates.tiers, 1)]
    default = PricingTier(
        id=f"{model_id}-0",
        name=tier_name(None),
        is_default=True,
        priority=0,
        conditions=[],
        prices=base,
    )
    return Model(
        id=model_id,
        model_name=name,
        match_pattern=pattern,
        unit="TOKENS",
        input_price=base.get("input"),
        output_price=base.get("output"),
        total_price=base.get("total"),
        tokenizer_id=None,
        tokenizer_config=None,
        prices={usage_type: ModelPrice(price=price) for usage_type, price in base.items()},
        pricing_tiers=[default, *tiers],
        **more,
    )


def _tier(model_id: str, index: int, tier: Tier) -> PricingTier:
    conditions: list[dict[str, Any]] = []
    if tier.above is not None:
        conditions.append(
            {
                "usageDetailPattern": "input",
                "operator": "gt",
                "value": tier.above,
                "caseSensitive": False,
            }
        )
    for key, value in tier.parameters.items():
        conditions.append(
            {"source": "model_parameters", "key": key, "operator": "in", "values": [value]}
        )
    return PricingTier(
        id=f"{model_id}-{index}",
        name=tier_name(tier),
        is_default=False,
        priority=index,
        conditions=conditions,
        prices=per_token(dict(tier.prices)),
    )
