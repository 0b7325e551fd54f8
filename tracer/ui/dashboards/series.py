"""Converts answers to series and bins of charts, each with the address of its list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tracer.measure.answer import Answer, Row, as_float
from tracer.measure.links import base_query, join
from tracer.measure.question import Question
from tracer.ui.charts.histograms import Bin
from tracer.ui.charts.model import Buckets, Series
from tracer.ui.charts.units import Unit

_NONE: Final = "none"
"""The name of the group of rows that have no value."""
_STATUS: Final = {"error": "bad", "completed": "rest", "running": "s2"}
_PERCENTS: Final = {50.0: "s2", 95.0: "s1", 99.0: "g1"}
_UNITS: Final = {"s": Unit.SECONDS, "usd": Unit.DOLLARS, "share": Unit.SHARE}

Url = Callable[[str], str]
"""From a query to the address of its list."""


def unit_of(question: Question) -> Unit:
    """Return the unit in which a chart shows the answer of a question."""
    if (unit := _UNITS.get(question.unit)) is not None:
        return unit
    whole = question.measure in ("count", "distinct") or (
        question.measure in ("sum", "min", "max") and question.field.endswith("tokens")
    )
    return Unit.COUNT if whole else Unit.NUMBER


def buckets(answer: Answer, url: Url) -> Buckets:
    """Return the intervals of an answer, with the list of all rows of each."""
    base = _base(answer)
    urls = [url(join(base, answer.time_query(index))) for index in _numbers(answer)]
    return Buckets(answer.frame.starts, answer.frame.until, urls, answer.frame.width)


def series(answer: Answer, url: Url) -> list[Series]:
    """Return the series of an answer over time: one per group and percentile, and the others."""
    rows = answer.rows if answer.rest is None else [*answer.rows, answer.rest]
    own = len(answer.question.group_by) > 0
    result = [
        Series(
            label=label(answer, row),
            values=[as_float(value) for value in row.values],
            total=as_float(row.value),
            url=url(answer.query(row)),
            urls=[url(answer.query(row, index)) for index in _numbers(answer)] if own else (),
            css=_css(answer, row),
        )
        for row in rows
    ]
    return _errors_first(result)


def label(answer: Answer, row: Row) -> str:
    """Return the name of a row: its groups, its percentile, or what is measured."""
    if row is answer.rest:
        return "other"
    names = [row_name(row)] if row.groups else []
    if row.percent is not None and (not names or len(answer.question.percents) > 1):
        names.append(f"p{row.percent:g}")
    return " · ".join(names) or measure_name(answer.question)


def row_name(row: Row) -> str:
    """Return the name of a row's groups."""
    return " · ".join(map(group_name, row.groups))


def group_name(value: str | None) -> str:
    """Return the name of one value of a group."""
    return _NONE if value is None else value or "(empty)"


def measure_name(question: Question) -> str:
    """Return what a question measures in a few words: ``p95 of latency``, ``traces``."""
    field = question.field.replace("_", " ")
    if question.divisor is not None:
        return f"{field} / {question.over.replace('_', ' ')}"
    if question.measure == "percentile":
        return f"{' '.join(f'p{percent:g}' for percent in question.percents)} of {field}"
    names = {
        "count": question.grain,
        "rate": f"{question.grain} per {question.per}",
        "distinct": f"distinct {field}",
        "ratio": "share",
        "sum": field,
    }
    return names.get(question.measure, f"{question.measure} {field}")


def bins(answer: Answer, url: Url) -> list[Bin]:
    """Return the bins of a histogram, with the list of each."""
    return [Bin(b.low, b.high, b.count, url(answer.query(b))) for b in answer.bins]


def cells(answer: Answer, url: Url) -> tuple[list[list[int]], list[list[str]]]:
    """Return the counts and lists of a heat map's cells, by interval and bin."""
    counts = [[each.counts[index] for each in answer.bins] for index in _numbers(answer)]
    urls = [
        [url(answer.query(each, index)) if each.counts[index] else "" for each in answer.bins]
        for index in _numbers(answer)
    ]
    return counts, urls


def everything(answer: Answer) -> str:
    """Return the query of all rows of an answer, in the whole time."""
    return join(_base(answer), answer.time_query())


def _base(answer: Answer) -> str:
    """Return the query of all rows of an answer, without the time."""
    if not answer.question.group_by and answer.rows:
        return answer.rows[0].query
    return base_query(answer.question)


def _numbers(answer: Answer) -> range:
    return range(len(answer.frame.starts))


def _css(answer: Answer, row: Row) -> str:
    if row is answer.rest:
        return "rest"
    if answer.question.group_by == ("status",):
        return _STATUS.get(row.groups[0] or "", "")
    if not row.groups and row.percent is not None and len(answer.question.percents) > 1:
        return _PERCENTS.get(row.percent, "")
    return ""


def _errors_first(result: Sequence[Series]) -> list[Series]:
    """Return failed rows as the first series, so that they grow from the base line."""
    return sorted(result, key=lambda each: each.css != "bad")
