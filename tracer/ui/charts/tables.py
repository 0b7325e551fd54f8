"""A table of figures per group, with a bar that compares the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.ui.charts.units import Unit, shown


@dataclass(frozen=True, slots=True)
class Row:
    """A group with its figures; ``urls``: a list page per figure, or ``url`` for all."""

    label: str
    values: Sequence[float | None]
    url: str = ""
    urls: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure of a table, and the list of the rows that it was computed from."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class RenderedRow:
    """A row of a table; ``share``: its figure in the column of bars, in percent of the largest."""

    label: str
    url: str
    cells: Sequence[Cell]
    share: float


@dataclass(frozen=True, slots=True)
class Table:
    """A table of figures."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[RenderedRow]
    bar_class: str
    """CSS class of the bars."""


def table(
    heading: str,
    columns: Sequence[tuple[str, Unit]],
    rows: Sequence[Row],
    bar_class: str = "",
    bar_column: int = 0,
) -> Table:
    """Return a table; ``columns``: (heading, unit); ``bar_column``: whose figures have bars."""
    maximum = max((row.values[bar_column] or 0 for row in rows), default=0)
    return Table(
        heading=heading,
        columns=[label for label, _ in columns],
        rows=[
            RenderedRow(
                row.label,
                row.url,
                [
                    Cell(shown(value, unit), row.urls[index] if row.urls else row.url)
                    for index, (value, (_, unit)) in enumerate(
                        zip(row.values, columns, strict=True)
                    )
                ],
                round(100 * (row.values[bar_column] or 0) / maximum, 1) if maximum > 0 else 0,
            )
            for row in rows
        ],
        bar_class=bar_class,
    )
