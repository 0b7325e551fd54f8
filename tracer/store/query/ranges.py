"""Ranges of numbers in facets: their bounds by field, and how many rows are in each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.query.fields import Type
from tracer.query.values import parse_number
from tracer.store.query.source import Column, Table

RANGES: Final = {
    "latency": ("100ms", "1s", "3s", "10s", "30s", "2min"),
    "cost": ("0.001", "0.01", "0.1", "1"),
    "tokens": ("1k", "10k", "100k", "1M"),
    "traces": ("10", "100", "1k"),
}
"""The bounds between ranges, by the fields whose ranges can be counted."""
_COLUMNS: Final = {"cost": "total_cost", "tokens": "total_tokens", "traces": "trace_count"}
_MICROSECOND: Final = timedelta(microseconds=1)


def range_column(table: Table, field: str) -> Column:
    """Return the number of a row of traces, spans, sessions or users whose range is counted."""
    if field == "latency":
        return table.c.end_time - table.c.start_time
    return table.c[_COLUMNS[field]]


def range_texts(field: str) -> list[str]:
    """Return the values of terms of the ranges, such as ``1s..5s``; bounds belong to both."""
    bounds = RANGES[field]
    between = [f"{low}..{high}" for low, high in itertools.pairwise(bounds)]
    return [f"<{bounds[0]}", *between, f">{bounds[-1]}"]


def slot_of(column: Column, field: str) -> Column:
    """Return the index of the slot of a value: each bound is a slot of its own."""
    thresholds, kind = _thresholds(field)
    return sa.func.width_bucket(column, sa.literal(thresholds, ARRAY(kind)), type_=sa.Integer)


def counts_of(field: str, slots: Mapping[int, int]) -> list[tuple[str, int]]:
    """Return (range, number of rows) of the ranges that rows are in, by the rows of each slot."""
    texts = range_texts(field)
    last = len(texts) - 1
    counts = []
    for index, text in enumerate(texts):
        # The slots of the bounds of a range are beside its own; the outer ranges have no bound.
        own = [2 * index] if index in (0, last) else [2 * index - 1, 2 * index, 2 * index + 1]
        counts.append((text, sum(slots.get(slot, 0) for slot in own)))
    return [(text, count) for text, count in counts if count]


def _thresholds(field: str) -> tuple[list[Any], Any]:
    """Return the beginnings of all slots but the first one, and their type."""
    if field == "latency":
        lengths = [_number(text, Type.DURATION) for text in RANGES[field]]
        starts = [timedelta(microseconds=int(length * 1_000_000)) for length in lengths]
        return [each + step for each in starts for step in (0 * _MICROSECOND, _MICROSECOND)], (
            sa.Interval
        )
    if field == "cost":
        costs = [_number(text, Type.MONEY) for text in RANGES[field]]
        return [cost + step for cost in costs for step in (0, Decimal("1e-12"))], sa.Numeric
    numbers = [int(_number(text, Type.NUMBER)) for text in RANGES[field]]
    return [number + step for number in numbers for step in (0, 1)], sa.BigInteger


def _number(text: str, kind: Type) -> Decimal:
    number = parse_number(text, kind)
    assert number is not None, text
    return number
