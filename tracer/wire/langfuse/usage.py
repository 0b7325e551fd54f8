"""Usage and cost as Langfuse's ingestion takes them, in its three generations, as our buckets."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tracer.records import Json
from tracer.wire.dialects.table import amount, count, named_cost, named_usage

_OLD: Final = {
    "input": "input",
    "output": "output",
    "total": "total",
    "promptTokens": "input",
    "completionTokens": "output",
    "totalTokens": "total",
}
_OLD_COST: Final = {"inputCost": "input", "outputCost": "output", "totalCost": "total"}


def usage_of(details: Json, old: Json) -> dict[str, int]:
    """Return disjoint buckets of ``usageDetails``, else of the older ``usage``.

    What is no count is left out, as Langfuse does.
    """
    if not details and isinstance(old, dict):
        # The older form is the provider's own object as often as it is Langfuse's.
        details = {_OLD.get(name, name): value for name, value in old.items()}
        details = {name: value for name, value in details.items() if name not in _OLD_COST}
    return named_usage(_counts(details)) or {}


def cost_of(details: Json, old: Json) -> dict[str, Decimal]:
    """Return dollars by bucket of ``costDetails``, else of the costs within ``usage``."""
    if not details and isinstance(old, dict):
        details = {name: old.get(sent) for sent, name in _OLD_COST.items()}
    if not isinstance(details, dict):
        return {}
    return named_cost({name: value for name, value in details.items() if _is_amount(value)}) or {}


def _counts(details: Json) -> dict[str, Json]:
    if not isinstance(details, dict):
        return {}
    found: dict[str, Json] = {}
    for name, value in details.items():
        if isinstance(value, dict):
            found[name] = {part: n for part, n in value.items() if count(n) is not None}
        elif count(value) is not None:
            found[name] = value
    return found


def _is_amount(value: Json) -> bool:
    return not isinstance(value, bool) and amount(value) is not None
