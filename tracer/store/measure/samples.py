"""SQL for confidence intervals: of means from sums of squares, of percentiles by rank."""

from __future__ import annotations

import math
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from tracer.measure.compare import Z


def moments(value: Any, name: str) -> list[Any]:
    """Return count, sum and sum of squares, from which the mean and its interval are computed."""
    return [
        sa.func.count(value).label(f"{name}_number"),
        sa.func.coalesce(sa.func.sum(value), 0).label(f"{name}_total"),
        sa.func.coalesce(sa.func.sum(value * value), 0).label(f"{name}_squares"),
    ]


def sorted_values(value: Any) -> Any:
    """Return the known values of a column as a sorted array."""
    values = sa.func.array_agg(aggregate_order_by(value, value), type_=ARRAY(sa.Float))
    return values.filter(value.is_not(None)).label(value.name)


def percentile(values: Any, part: float) -> dict[str, Any]:
    """Return a percentile of sorted values, and those between whose ranks it lies with 95 %."""
    count = sa.func.cardinality(values)
    rank = count * sa.literal(part, sa.Numeric)
    half = Z * math.sqrt(part * (1 - part)) * sa.func.sqrt(count)

    def ranked(position: Any) -> Any:
        return values[sa.cast(sa.func.greatest(1, sa.func.least(count, position)), sa.Integer)]

    middle = ranked(sa.func.ceil(rank)) + ranked(sa.func.floor(rank) + 1)
    return {
        "value": middle / 2,
        "low": ranked(sa.func.floor(rank - half)),
        "high": ranked(sa.func.ceil(rank + half) + 1),
        "number": count,
    }
