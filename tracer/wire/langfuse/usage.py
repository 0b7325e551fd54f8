"""Usage and cost as Langfuse's ingestion takes them, in its three generations, as our buckets."""

from __future__ import annotations

from decimal import Decimal

from tracer.records import Json
from tracer.wire.usage.reading import Usage, cost_within, read_cost, read_usage
from tracer.wire.usage.shapes import OWN


def usage_of(details: Json, old: Json) -> Usage:
    """Return what ``usageDetails`` count, else what the older ``usage`` does.

    Either is the provider's own object as often as it is Langfuse's.
    """
    sent = details or old
    return read_usage(sent if isinstance(sent, dict) else {}, OWN)


def cost_of(costs: Json, details: Json, old: Json) -> dict[str, Decimal]:
    """Return dollars by bucket of ``costDetails``, else of the costs among the counts."""
    if costs and isinstance(costs, dict):
        return read_cost(costs, OWN).buckets
    sent = details or old
    return cost_within(sent) if isinstance(sent, dict) else {}
