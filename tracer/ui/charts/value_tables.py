"""The values of a chart as a table: for screen readers, and as CSV."""

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
class ValueRow:
    """A row: its label on the page, its key in JSON and CSV, its values and their list pages."""

    label: str
    key: str
    values: Sequence[Value]
    urls: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ValueTable:
    """The values of a chart: heading of the first column, (heading, unit) of the others, rows."""

    heading: str
    columns: Sequence[tuple[str, Unit]]
    rows: Sequence[ValueRow]

    def texts(self, row: ValueRow) -> list[tuple[str, str]]:
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


def over_time(buckets: Buckets, series: Sequence[Series], unit: Unit) -> ValueTable:
    """Return a row per bucket of time, a column per series."""
    columns = [(each.label, unit) for each in series]
    rows = []
    for index, start in enumerate(buckets.starts):
        shared = buckets.urls[index] if buckets.urls else ""
        rows.append(
            ValueRow(
                bucket_name(start, buckets.step),
                _key(start),
                [each.values[index] for each in series],
                [each.urls[index] if each.urls else shared for each in series],
            )
        )
    return ValueTable("Start", columns, rows)


def of_rows(heading: str, columns: Sequence[tuple[str, Unit]], rows: Sequence[Row]) -> ValueTable:
    """Return a row per group."""
    return ValueTable(
        heading,
        columns,
        [
            ValueRow(row.label, row.label, row.values, row.urls or [row.url] * len(row.values))
            for row in rows
        ],
    )


def of_bins(bins: Sequence[Bin], unit: Unit, noun: str) -> ValueTable:
    """Return a row per range of values."""
    rows = [
        ValueRow(bin_name(each, unit), _bin_key(each), [each.count], [each.url]) for each in bins
    ]
    return ValueTable("Range", [(noun, Unit.COUNT)], rows)


def of_cells(
    buckets: Buckets,
    bins: Sequence[Bin],
    counts: Sequence[Sequence[int]],
    urls: Sequence[Sequence[str]],
    unit: Unit,
) -> ValueTable:
    """Return a row per bucket of time, a column per range of values."""
    columns = [(bin_name(each, unit), Unit.COUNT) for each in bins]
    rows = [
        ValueRow(bucket_name(start, buckets.step), _key(start), counts[index], urls[index])
        for index, start in enumerate(buckets.starts)
    ]
    return ValueTable("Start", columns, rows)


def _bin_key(each: Bin) -> str:
    return f"{each.low!r}..{each.high!r}"


def _key(start: datetime) -> str:
    return json_time(start)
