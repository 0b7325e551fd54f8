"""The price of a span in the format of Langfuse's API: model, pricing tier, prices."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from tracer.pricing.list_prices import LIST_NAME, list_entry
from tracer.pricing.price_book import call_parameter
from tracer.pricing.rates import Rates, input_side
from tracer.store.projects.prices import base_id_of
from tracer.store.traces.span_search import FoundSpan
from tracer.times import to_micros
from tracer.web.langfuse.models import list_id, tier_name


class AppliedPrice(NamedTuple):
    """The prices from which a span's cost was computed; None: unknown, or the cost was sent."""

    model_id: str | None = None
    tier: str | None = None
    tier_id: str | None = None
    input_price: Decimal | None = None
    """US dollars per token, like the other prices."""
    output_price: Decimal | None = None
    total_price: Decimal | None = None


_MILLION: Final = Decimal(1_000_000)


def applied_price(row: FoundSpan) -> AppliedPrice:
    """Return the price from which the cost of a span was computed."""
    if row.priced_by is None:
        return AppliedPrice()
    if row.own_rates is not None:
        return _at_rates(base_id_of(row.priced_by), row.own_rates, row)
    entry = list_entry(row.model, row.provider, to_micros(row.start_time))
    if entry is None:
        return AppliedPrice()
    if row.priced_by != LIST_NAME:
        # Priced by another version of the list, whose prices may differ.
        return AppliedPrice(list_id(entry))
    return _at_rates(list_id(entry), entry.rates, row)


def _at_rates(model_id: str, rates: Rates, row: FoundSpan) -> AppliedPrice:
    call = input_side(row.usage), partial(call_parameter, row)
    tiers, prices = rates.active_tiers(*call), rates.prices(*call)
    sides = [prices.get(side) for side in ("input", "output", "total")]
    per_token = [None if price is None else price / _MILLION for price in sides]
    tier = tiers[-1] if tiers else None
    # Tiers are numbered from 1; 0 are the base prices.
    index = 0 if tier is None else [*rates.tiers].index(tier) + 1
    return AppliedPrice(model_id, tier_name(tier), f"{model_id}-{index}", *per_token)
