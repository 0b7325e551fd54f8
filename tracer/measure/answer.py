"""The answer to a question: rows with their values, and a query that selects the rows of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from tracer.measure.buckets import Frame
from tracer.measure.fields import query_grain
from tracer.measure.links import join, time_query
from tracer.measure.question import Question

Value: TypeAlias = "int | float | Decimal | None"
"""A measured value in the unit of its question; None: there is nothing to measure."""


def as_float(value: Value) -> float | None:
    """Return a measured value as a float, None where there is none."""
    return None if value is None else float(value)


@dataclass(slots=True)
class Row:
    """The values of one group; of a percentile question, of one percentile of the group."""

    groups: tuple[str | None, ...]
    """The values of the fields of ``group_by``; None: the rows that have none."""
    percent: float | None
    value: Value
    """Of the whole range of time."""
    values: list[Value]
    """By interval; empty without intervals."""
    count: int
    """The number of rows, or of values, behind ``value``."""
    query: str
    """Selects the rows of the group; without the time."""
    previous: Value = None
    """Of the previous period; None also if the question is asked without the previous period."""
    previous_values: list[Value] = field(default_factory=list)


@dataclass(slots=True)
class Bin:
    """The rows whose value lies between two numbers, low inclusive and high not."""

    low: float
    high: float
    count: int
    counts: list[int]
    """By interval, for a heat map."""
    query: str
    """Selects the rows of the bin; without the time."""


@dataclass(slots=True)
class Answer:
    """What was measured, over which time, and from which source."""

    question: Question
    frame: Frame
    rows: list[Row] = field(default_factory=list)
    """The groups with the greatest values first, of which there are at most ``limit``."""
    rest: Row | None = None
    """All other groups, where their value is a sum."""
    bins: list[Bin] = field(default_factory=list)
    """Of a histogram or heat map, in ascending order."""
    source: Literal["rollup", "scan"] = "scan"
    estimated: bool = False
    """Whether counts and sums are estimated from a sample of the rows."""
    standard_error: float | None = None
    """Of numbers of distinct values that are estimated, as a part of the number."""
    milliseconds: float = 0.0
    _times: dict[int | None, str] = field(default_factory=dict, init=False, repr=False)
    """Cache of `time_query`: a chart has a link for each row in each interval."""

    @property
    def unit(self) -> str:
        """The unit of the values, that of the bins' bounds for a histogram."""
        return self.question.unit

    def time_query(self, index: int | None = None) -> str:
        """Return the terms of the time of an interval, or of the whole range."""
        if index not in self._times:
            frame = self.frame
            since, until = (frame.since, frame.until) if index is None else frame.interval(index)
            self._times[index] = time_query(since, until, query_grain(self.question.grain))
        return self._times[index]

    def query(self, row: Row | Bin, index: int | None = None) -> str:
        """Return the query of the list of a row or bin, in the whole range or one interval."""
        return join(row.query, self.time_query(index))
