"""The values of a chart as a table: for readers who can't see it, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tracer.export.csv import cell
from tracer.times import json_time
from tracer.ui.charts.histograms import Bin, bin_name
from tracer.ui.charts.model import Buckets, Series
from tracer.ui.charts.tables import Row
from tracer.ui.charts.times import bucket_name
from tracer.ui.charts.units import Unit, shown

Value = float | None


@dataclass(frozen=True, slots=True)
class TwinRow:
    """A row: its name for people and for programs, its values, and the lists behind them."""

    label: str
    key: str
    values: Sequence[Value]
    urls: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Twin:
    """A chart as a table: the heading of the first column, then (heading, unit) per value."""

    heading: str
    columns: Sequence[tuple[str, Unit]]
    rows: Sequence[TwinRow]

    def texts(self, row: TwinRow) -> list[tuple[str, str]]:
        """Return the cells of a row as (text, url)."""
        urls = row.urls or [""] * len(row.values)
        return [
            (shown(value, unit), url)
            for value, url, (_, unit) in zip(row.values, urls, self.columns, strict=True)
        ]

    def csv(self) -> str:
        """Return the table as CSV: times in UTC, values in seconds, dollars, parts of 1, counts."""
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
        writer.writerow([cell(name) for name in (self.heading, *self._headings())])
        for row in self.rows:
            writer.writerow([cell(row.key), *map(cell, row.values)])
        return text.getvalue()

    def _headings(self) -> list[str]:
        units = {Unit.SECONDS: "seconds", Unit.DOLLARS: "dollars"}
        return [f"{name} ({units[unit]})" if unit in units else name for name, unit in self.columns]


def over_time(buckets: Buckets, series: Sequence[Series], unit: Unit) -> Twin:
    """Return a row per bucket of time, a column per series."""
    columns = [(each.label, unit) for each in series]
    rows = []
    for number, start in enumerate(buckets.starts):
        shared = buckets.urls[number] if buckets.urls else ""
        rows.append(
            TwinRow(
                bucket_name(start, buckets.step),
                _key(start),
                [each.values[number] for each in series],
                [each.urls[number] if each.urls else shared for each in series],
            )
        )
    return Twin("Start", columns, rows)


def of_rows(heading: str, columns: Sequence[tuple[str, Unit]], rows: Sequence[Row]) -> Twin:
    """Return a row per group."""
    return Twin(
        heading,
        columns,
        [
            TwinRow(row.label, row.label, row.values, row.urls or [row.url] * len(row.values))
            for row in rows
        ],
    )


def of_bins(bins: Sequence[Bin], unit: Unit, noun: str) -> Twin:
    """Return a row per range of values."""
    rows = [
        TwinRow(bin_name(each, unit), _bin_key(each), [each.count], [each.url]) for each in bins
    ]
    return Twin("Range", [(noun, Unit.COUNT)], rows)


def of_cells(
    buckets: Buckets,
    bins: Sequence[Bin],
    counts: Sequence[Sequence[int]],
    urls: Sequence[Sequence[str]],
    unit: Unit,
) -> Twin:
    """Return a row per bucket of time, a column per range of values."""
    columns = [(bin_name(each, unit), Unit.COUNT) for each in bins]
    rows = [
        TwinRow(bucket_name(start, buckets.step), _key(start), counts[number], urls[number])
        for number, start in enumerate(buckets.starts)
    ]
    return Twin("Start", columns, rows)


def _bin_key(each: Bin) -> str:
    return f"{each.low!r}..{each.high!r}"


def _key(start: datetime) -> str:
    return json_time(start)
