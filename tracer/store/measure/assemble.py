"""Adds up cells to the rows of an answer, and cuts the keys of a histogram into bins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from tracer.measure.answer import Bin, Row, Value
from tracer.measure.buckets import Frame
from tracer.measure.histogram import MIDDLE, LogHistogram, bounds_of
from tracer.measure.links import base_query, bin_query, group_query
from tracer.measure.question import Question
from tracer.store.measure.cells import Cell, Groups
from tracer.store.rollups.sums import unpack_counts

MAX_BINS: Final = 40
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


@dataclass(slots=True)
class Sums:
    """The sums of the cells of one group, in one interval or in the whole range."""

    rows: int = 0
    denominator: int = 0
    total: Decimal | float | None = None
    low: Decimal | float | None = None
    high: Decimal | float | None = None
    over: Decimal | float | None = None
    values: LogHistogram = field(default_factory=LogHistogram)

    def add(self, cell: Cell) -> None:
        """Add a cell."""
        self.rows += cell.rows
        self.denominator += cell.denominator
        if cell.keys is not None:
            counts = self.values.counts
            for key, number in unpack_counts(cell.keys).items():
                counts[key] += number
            return
        if cell.total is not None:
            self.total = cell.total if self.total is None else _sum(self.total, cell.total)
        if cell.over is not None:
            self.over = cell.over if self.over is None else _sum(self.over, cell.over)
        if cell.low is not None:
            self.low = cell.low if self.low is None else min(self.low, cell.low)
        if cell.high is not None:
            self.high = cell.high if self.high is None else max(self.high, cell.high)

    def value(self, question: Question, percent: float | None, seconds: float) -> Value:
        """Return the measure, of a range of so many seconds for a rate."""
        match question.measure:
            case "sum":
                return _whole(self.total)
            case "average":
                return None if self.total is None else float(self.total) / self.denominator
            case "min":
                return _whole(self.low)
            case "max":
                return _whole(self.high)
            case "percentile":
                return self.values.percentile(percent or 50)
            case "rate":
                return self.rows * _SECONDS[question.per] / seconds if seconds > 0 else None
            case "ratio" if question.divisor is not None:
                return float(self.total or 0) / float(self.over) if self.over else None
            case "ratio":
                return self.rows / self.denominator if self.denominator else None
        return self.rows


def rows_of(question: Question, frame: Frame, now: datetime, cells: Iterable[Cell]) -> list[Row]:
    """Return the rows of the groups of the cells, the greatest value first."""
    by_group: dict[Groups, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_group[cell.groups].append(cell)
    if not by_group and not question.group_by:
        by_group[()] = []
    base = base_query(question)
    rows = [
        row_of(question, frame, now, groups, of_group, group_query(question, base, groups), percent)
        for groups, of_group in by_group.items()
        for percent in _percents(question)
    ]
    return rows if not question.group_by else _sorted(rows)


def row_of(
    question: Question,
    frame: Frame,
    now: datetime,
    groups: Groups,
    cells: Sequence[Cell],
    query: str,
    percent: float | None = None,
) -> Row:
    """Return the row of one group."""
    sums, each = _added(question, frame, cells)
    whole = (min(frame.until, now) - frame.since).total_seconds()
    values = []
    for index, part in enumerate(each):
        start, end = frame.interval(index)
        values.append(part.value(question, percent, (min(end, now) - start).total_seconds()))
    return Row(groups, percent, sums.value(question, percent, whole), values, sums.rows, query)


def remaining_cells(everything: Sequence[Cell], shown: Iterable[Cell]) -> list[Cell]:
    """Return the cells of all groups but the shown ones; only their counts and sums are valid."""
    left: dict[datetime | None, list[Decimal | float | int]] = {
        cell.interval: [cell.rows, cell.denominator, cell.total or 0] for cell in everything
    }
    for cell in shown:
        rest = left[cell.interval]
        rest[0] -= cell.rows
        rest[1] -= cell.denominator
        rest[2] = _sum(rest[2], -(cell.total or 0))
    return [
        Cell(
            interval,
            (),
            None,
            int(rows),
            int(denominator),
            total if denominator else None,
            None,
            None,
        )
        for interval, (rows, denominator, total) in left.items()
        if rows > 0
    ]


def bins_of(question: Question, frame: Frame, cells: Iterable[Cell]) -> list[Bin]:
    """Return the bins of a histogram or heat map, which are equally wide on a log scale."""
    counts: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for cell in cells:
        index = frame.index(cell.interval)
        for key, number in unpack_counts(cell.keys).items():
            counts[key][index] += number
    base = base_query(question)
    bins = []
    for low, high in _slots(sorted(counts)):
        inside = [counts[key] for key in range(low, high + 1) if key in counts]
        each = [sum(by[index] for by in inside) for index in range(max(1, len(frame.starts)))]
        bounds = bounds_of(low)[0], bounds_of(high)[1]
        query = bin_query(question, base, *bounds)
        bins.append(Bin(*bounds, sum(each), each if frame.starts else [], query))
    return bins


def _slots(keys: list[int]) -> list[tuple[int, int]]:
    """Return ranges (first key, last key) that cover the keys of each sign."""
    slots: list[tuple[int, int]] = []
    signs = [[k for k in keys if k < 0], [k for k in keys if k == 0], [k for k in keys if k > 0]]
    for own in signs:
        if own:
            step = max(1, -(-(own[-1] - own[0] + 1) // MAX_BINS))
            slots += [
                (first, min(first + step - 1, _end(own)))
                for first in range(own[0], own[-1] + 1, step)
            ]
    return slots


def _end(keys: list[int]) -> int:
    """Return the greatest key of the sign of the keys."""
    return 2 * MIDDLE if keys[-1] > 0 else min(keys[-1], 0)


def _added(question: Question, frame: Frame, cells: Iterable[Cell]) -> tuple[Sums, list[Sums]]:
    """Return the sums of the whole range, and by interval."""
    whole, each = Sums(), [Sums() for _ in frame.starts]
    # Distinct values of intervals don't add up: their cell without interval is that of the whole.
    adds_up = question.counted is None
    for cell in cells:
        if cell.interval is None or adds_up:
            whole.add(cell)
        if cell.interval is not None:
            each[frame.index(cell.interval)].add(cell)
    return whole, each


def _percents(question: Question) -> Sequence[float | None]:
    return question.percents if question.measure == "percentile" else (None,)


def _sorted(rows: list[Row]) -> list[Row]:
    order: dict[Groups, float] = {}
    for row in rows:
        value = float("-inf") if row.value is None else float(row.value)
        order[row.groups] = max(order.get(row.groups, value), value)
    return sorted(rows, key=lambda row: (-order[row.groups], [g or "" for g in row.groups]))


def _sum(first: Decimal | float, second: Decimal | float) -> Decimal | float:
    if isinstance(first, float) or isinstance(second, float):
        return float(first) + float(second)
    return first + second


def _whole(value: Decimal | float | None) -> Value:
    """Return the number, as an int where it has no fraction in a numeric column of whole ones."""
    if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < 2**63:
        return int(value)
    return value
