"""Converts answers to rows of a table: a row per group, a column per percentile and question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tracer.measure.answer import Answer, as_float
from tracer.measure.answer import Row as Measured
from tracer.ui.charts.tables import Row
from tracer.ui.charts.units import Unit
from tracer.ui.dashboards.series import Url, group_name, measure_name, row_name, unit_of

MAX_COLUMNS: Final = 6
"""Of a table of two groups."""


def grouped_rows(answer: Answer) -> list[Measured]:
    """Return one row per group, in the order of the answer."""
    seen: dict[tuple[str | None, ...], Measured] = {}
    for row in answer.rows:
        seen.setdefault(row.groups, row)
    return list(seen.values())


def ordering_column(answer: Answer) -> int:
    """Return the column by which the rows are ordered: of percentiles, the greatest."""
    question = answer.question
    if question.measure != "percentile":
        return 0
    return question.percents.index(max(question.percents))


def table_of(answer: Answer, heading: str, url: Url) -> tuple[list[tuple[str, Unit]], list[Row]]:
    """Return the columns (heading, unit) and rows of the answer's own question."""
    question = answer.question
    unit = unit_of(question)
    if question.measure == "percentile" and len(question.percents) > 1:
        columns = [(f"p{percent:g}", unit) for percent in question.percents]
    else:
        columns = [(heading or measure_name(question), unit)]
    values = {(row.groups, row.percent): as_float(row.value) for row in answer.rows}
    percents: Sequence[float | None] = (
        question.percents if question.measure == "percentile" else (None,)
    )
    rows = []
    for row in grouped_rows(answer):
        link = url(answer.query(row))
        figures = [values.get((row.groups, percent)) for percent in percents]
        rows.append(Row(row_name(row), figures, link, [link] * len(figures)))
    return columns, rows


def pivoted(answer: Answer, url: Url) -> tuple[list[tuple[str, Unit]], list[Row]]:
    """Return a row per value of the first group, a column per value of the second."""
    unit = unit_of(answer.question)
    by_groups = {row.groups: row for row in answer.rows}
    firsts = list(dict.fromkeys(row.groups[0] for row in answer.rows))
    seconds = list(dict.fromkeys(row.groups[1] for row in answer.rows))[:MAX_COLUMNS]
    rows = []
    for first in firsts:
        cells = [by_groups.get((first, second)) for second in seconds]
        urls = [url(answer.query(row)) if row else "" for row in cells]
        figures = [as_float(row.value) if row else None for row in cells]
        rows.append(Row(group_name(first), figures, next(filter(None, urls), ""), urls))
    return [(group_name(second), unit) for second in seconds], rows


def add_column(
    rows: list[Row], answer: Answer, other: Answer, url: Url, *, share: bool = False
) -> None:
    """Add the figures of another question to the rows of the same groups, in place.

    With ``share``, the first figure as a part of the other one is added.
    """
    measured = {row.groups: row for row in other.rows}
    for index, group in enumerate(grouped_rows(answer)):
        row, same = rows[index], measured.get(group.groups)
        value = as_float(same.value) if same else None
        if share:
            value = (row.values[0] or 0) / value if value else None
        rows[index] = Row(
            row.label,
            [*row.values, value],
            row.url,
            [*row.urls, url(other.query(same)) if same else ""],
        )
