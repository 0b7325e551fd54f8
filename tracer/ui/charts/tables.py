"""A table of figures per group, with a bar that compares the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.ui.charts.units import Unit, shown


@dataclass(frozen=True, slots=True)
class Row:
    """A group with its figures; ``urls``: the list behind each figure, or one for all."""

    label: str
    values: Sequence[float | None]
    url: str = ""
    urls: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure of a table and the list behind it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row of a table: ``share`` is the first figure in percent of the largest."""

    label: str
    url: str
    cells: Sequence[Cell]
    share: float


@dataclass(frozen=True, slots=True)
class Table:
    """A table of figures."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[ShownRow]
    css: str
    """The class of the bars."""


def table(
    heading: str,
    columns: Sequence[tuple[str, Unit]],
    rows: Sequence[Row],
    css: str = "",
    measured: int = 0,
) -> Table:
    """Return rows of figures; ``columns``: heading and unit; ``measured``: the column of bars."""
    most = max((row.values[measured] or 0 for row in rows), default=0)
    return Table(
        heading=heading,
        columns=[label for label, _ in columns],
        rows=[
            ShownRow(
                row.label,
                row.url,
                [
                    Cell(shown(value, unit), row.urls[number] if row.urls else row.url)
                    for number, (value, (_, unit)) in enumerate(
                        zip(row.values, columns, strict=True)
                    )
                ],
                round(100 * (row.values[measured] or 0) / most, 1) if most > 0 else 0,
            )
            for row in rows
        ],
        css=css,
    )
