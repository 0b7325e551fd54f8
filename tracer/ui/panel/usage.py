"""The table of tokens and cost by usage type."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tracer.pricing.price_book import COMPUTED, CUSTOM, GIVEN
from tracer.store.traces.span_detail import SpanDetail

_PER_MILLION = 1_000_000


@dataclass(slots=True)
class UsageRow:
    """Tokens and dollars of one usage type, its price per million tokens, its share in percent."""

    type: str
    tokens: int | None
    price: Decimal | None
    cost: Decimal | None
    share: int


def usage_rows(
    usage: dict[str, int], cost: dict[str, Decimal], tokens: int | None, total: Decimal | None
) -> tuple[list[UsageRow], UsageRow | None]:
    """Return a row per type and the row of the totals; [] and None without usage and cost."""
    rows = []
    # A type may have a cost without tokens, such as a fee per request.
    for name in [*usage, *(name for name in cost if name not in usage and name != "total")]:
        sent, paid = usage.get(name), cost.get(name)
        # Derived from the cost: list prices may have changed since.
        price = paid * _PER_MILLION / sent if paid is not None and sent else None
        rows.append(
            UsageRow(name, sent, price, paid, round(paid / total * 100) if paid and total else 0)
        )
    if not rows and total is None:
        return [], None
    return rows, UsageRow("Total", tokens, None, total, 0)


def cost_note(span: SpanDetail) -> str:
    """Return the source of the cost, or why there is none."""
    if span.cost_source == GIVEN:
        return "cost as sent by the application"
    if span.cost_source == COMPUTED:
        return (
            f"cost from list prices, {span.priced_by}"
            if span.priced_by
            else "cost from list prices"
        )
    if span.cost_source == CUSTOM:
        return f"cost from this project's price {span.price_model}"
    return "no price known for this model" if span.usage and span.model else ""
