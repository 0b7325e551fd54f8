"""Responses of `POST /api/v1/metrics`: the values that a question defines."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tracer.measure.answer import Answer, Bin, Row
from tracer.measure.fields import query_grain
from tracer.measure.question import write_question
from tracer.times import json_time

Number = int | float | Decimal


class Interval(msgspec.Struct, kw_only=True):
    """An interval of time."""

    start: str
    end: Annotated[str, Meta(description="exclusive")]
    query: Annotated[str, Meta(description="selects the rows that start in the interval")]


class MeasuredRow(msgspec.Struct, kw_only=True):
    """The values of one group, and of one percentile of it."""

    groups: Annotated[list[str | None], Meta(description="values of group_by; null: none")]
    percent: float | None
    value: Annotated[Number | None, Meta(description="of the whole range; null: no rows")]
    values: Annotated[list[Number | None], Meta(description="by interval")]
    count: Annotated[int, Meta(description="number of rows or values that were measured")]
    filter: Annotated[str, Meta(description="selects the rows of the group, at any time")]
    query: Annotated[str, Meta(description="selects the rows that were measured")]
    previous: Annotated[Number | None, Meta(description="value of the previous period")]
    previous_values: list[Number | None]


class MeasuredBin(msgspec.Struct, kw_only=True):
    """The rows whose value is at least ``low`` and less than ``high``."""

    low: float
    high: float
    count: int
    counts: Annotated[list[int], Meta(description="by interval, of a heat map")]
    filter: Annotated[str, Meta(description="selects the rows of the bin, at any time")]
    query: Annotated[str, Meta(description="selects the rows that were counted")]


class Measurement(msgspec.Struct, kw_only=True):
    """The answer to a question."""

    question: Annotated[dict[str, Any], Meta(description="without fields that are the default")]
    since: str
    until: Annotated[str, Meta(description="exclusive")]
    width: Annotated[float | None, Meta(description="seconds of an interval; null: none")]
    unit: Annotated[str, Meta(description="s, usd, share, per minute …; empty: a number")]
    selects: Annotated[
        Literal["trace", "span", "session", "user"], Meta(description="what the queries select")
    ]
    intervals: list[Interval]
    rows: Annotated[list[MeasuredRow], Meta(description="the greatest value first")]
    rest: Annotated[MeasuredRow | None, Meta(description="all other groups, if values add up")]
    bins: Annotated[list[MeasuredBin], Meta(description="of a histogram or heat map")]
    source: Annotated[Literal["rollup", "scan"], Meta(description="what was read")]
    estimated: Annotated[bool, Meta(description="true: computed from a sample of the rows")]
    standard_error: Annotated[
        float | None, Meta(description="relative, of estimated numbers of distinct values")
    ]
    milliseconds: float


def measurement(answer: Answer) -> Measurement:
    """Return the JSON answer."""
    frame = answer.frame
    bounds = [frame.interval(index) for index in range(len(frame.starts))]
    return Measurement(
        question=write_question(answer.question),
        since=json_time(frame.since),
        until=json_time(frame.until),
        width=frame.width.total_seconds() if frame.width else None,
        unit=answer.unit,
        selects=query_grain(answer.question.grain).value,
        intervals=[
            Interval(start=json_time(start), end=json_time(end), query=answer.time_query(index))
            for index, (start, end) in enumerate(bounds)
        ],
        rows=[_row(answer, row) for row in answer.rows],
        rest=_row(answer, answer.rest) if answer.rest else None,
        bins=[_bin(answer, bin_) for bin_ in answer.bins],
        source=answer.source,
        estimated=answer.estimated,
        standard_error=answer.standard_error,
        milliseconds=round(answer.milliseconds, 1),
    )


def _row(answer: Answer, row: Row) -> MeasuredRow:
    return MeasuredRow(
        groups=list(row.groups),
        percent=row.percent,
        value=row.value,
        values=row.values,
        count=row.count,
        filter=row.query,
        query=answer.query(row),
        previous=row.previous,
        previous_values=row.previous_values,
    )


def _bin(answer: Answer, bin_: Bin) -> MeasuredBin:
    return MeasuredBin(
        low=bin_.low,
        high=bin_.high,
        count=bin_.count,
        counts=bin_.counts,
        filter=bin_.query,
        query=answer.query(bin_),
    )
