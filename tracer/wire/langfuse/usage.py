"""Reads usage and cost in the three forms of Langfuse's ingestion."""

from __future__ import annotations

from decimal import Decimal

from tracer.records import Json
from tracer.wire.usage.reading import Usage, cost_within, read_cost, read_usage
from tracer.wire.usage.shapes import OWN


def usage_of(details: Json, old: Json) -> Usage:
    """Return the usage of ``usageDetails``, else of the older ``usage``.

    Both may be the provider's object or Langfuse's.
    """
    sent = details or old
    return read_usage(sent if isinstance(sent, dict) else {}, OWN)


def cost_of(costs: Json, details: Json, old: Json) -> dict[str, Decimal]:
    """Return dollars by usage type of ``costDetails``, else of the costs among the counts."""
    if costs and isinstance(costs, dict):
        return read_cost(costs, OWN).by_type
    sent = details or old
    return cost_within(sent) if isinstance(sent, dict) else {}
