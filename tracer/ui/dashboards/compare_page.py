"""The page that sets models, prompt versions, releases or environments side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from flask import request, url_for

from tracer.dashboards.document import range_of
from tracer.errors import Invalid, TooSlow
from tracer.measure.compare import Estimate, difference
from tracer.query.errors import QueryError
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.charts.units import Unit, shown
from tracer.ui.dashboards.comparison import (
    BY,
    MAX_GROUPS,
    Calls,
    Group,
    Measured,
    compare,
    groups_of,
)
from tracer.ui.dashboards.links import Lists
from tracer.ui.dashboards.shown import PERIODS

_SMALL: Final = 0.00995
"""Costs below this have one or two digits in lists."""


@dataclass(frozen=True, slots=True)
class ComparedCell:
    """A figure of a group: its text, its interval, and how it differs from the first group's."""

    text: str
    interval: str
    words: str
    css: str
    """The class of what is better or worse; "": the difference may be noise."""
    sign: str
    """An arrow for more or less, where that is more than noise."""


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A measure with a cell per group."""

    name: str
    cells: list[ComparedCell]


@bp.get("/project/<project_id>/comparison")
def comparison(project_id: str) -> str:
    """Compare up to four groups of model calls: ``by`` a field, ``of`` its values."""
    args = request.args
    by = args.get("by", "model")
    calls = _calls(project_id, by if by in BY else "model", args.get("range", "-7d"))
    traces: list[int] = []
    error, groups, chosen, rows = "", [], [], []
    try:
        groups = groups_of(calls)
        chosen = _chosen(groups, args.getlist("of"))
        if len(chosen) > 1:
            traces, measured = compare(calls, chosen)
            rows = [_row(each) for each in measured]
    except (Invalid, QueryError) as wrong:
        error = f"The query can’t be read: {wrong}"
    except TooSlow:
        error = "This takes too long. Choose a shorter range of time, or a narrower query."
    return render(
        "dashboards/comparison.html",
        calls=calls,
        by=BY,
        range=args.get("range", "-7d"),
        periods=PERIODS,
        groups=groups,
        chosen=[group.value for group in chosen],
        volumes=_volumes(project_id, chosen, traces),
        rows=rows,
        error=error,
        maximum=MAX_GROUPS,
        project_id=project_id,
        address=url_for("ui.comparison", project_id=project_id),
    )


def _volumes(
    project_id: str, groups: Sequence[Group], traces: Sequence[int]
) -> dict[str, list[tuple[int, str]]]:
    """Return the numbers of calls and of their traces, each with its list."""
    calls, whole = Lists(project_id, "generations"), Lists(project_id, "traces")
    pairs = zip(groups, traces, strict=False)
    return {
        "Calls": [(group.count, calls.url(group.query)) for group in groups],
        "Traces": [(number, whole.url(f"any({group.query})")) for group, number in pairs],
    }


def _calls(project_id: str, by: str, range_text: str) -> Calls:
    try:
        since, until = range_of(range_text)
    except Invalid:
        since, until = "-7d", "now"
    return Calls(project_id, by, request.args.get("q", "").strip(), since, until)


def _chosen(groups: Sequence[Group], names: Sequence[str]) -> list[Group]:
    """Return the groups that were chosen in the order of the choice, else the two largest."""
    by_name = {group.value: group for group in groups}
    known = [by_name[name] for name in dict.fromkeys(names) if name in by_name]
    return known[:MAX_GROUPS] if known else list(groups[:2])


def _row(measured: Measured) -> ComparedRow:
    first = measured.estimates[0]
    return ComparedRow(
        measured.name,
        [
            _cell(measured, estimate, first if number else None)
            for number, estimate in enumerate(measured.estimates)
        ],
    )


def _cell(measured: Measured, estimate: Estimate | None, first: Estimate | None) -> ComparedCell:
    if estimate is None:
        return ComparedCell("", "", "", "", "")
    unit = measured.unit
    text, interval = _figure(estimate.value, unit), _interval(estimate, unit)
    differs = difference(first, estimate)
    if first is None or differs is None:
        return ComparedCell(text, interval, "", "", "")
    better = (differs.absolute < 0) == measured.less_is_better
    return ComparedCell(
        text,
        interval,
        words(estimate, first, unit, differs.certain),
        ("hi" if better else "warn") if differs.certain else "",
        ("▲ " if differs.absolute > 0 else "▼ ") if differs.certain else "",
    )


def _interval(estimate: Estimate, unit: Unit) -> str:
    """Return the interval in words; a single value has none."""
    if not math.isfinite(estimate.high - estimate.low):
        return f"of {estimate.count:,}"
    low, high = estimate.low, estimate.high
    if unit is Unit.SHARE:
        low, high = max(0.0, low), min(1.0, high)
    return f"{_figure(low, unit)} to {_figure(high, unit)}, of {estimate.count:,}"


def _figure(value: float, unit: Unit) -> str:
    """Return a figure as lists show it, but small costs with two digits, so that they differ."""
    if unit is Unit.DOLLARS and 0 < value < _SMALL:
        return f"${Decimal(f'{value:.2g}'):f}"
    return shown(value, unit)


def words(estimate: Estimate, first: Estimate, unit: Unit, differs: bool | None) -> str:
    """Return how a figure differs from that of the first group, and whether by more than noise."""
    if differs is None:
        return "too few to tell"
    if not differs:
        return "no difference beyond noise"
    more = estimate.value > first.value
    if unit is Unit.SHARE or not first.value:
        size = shown(abs(estimate.value - first.value), unit).replace("%", "points")
    elif more and estimate.value >= 2 * first.value:
        return f"{estimate.value / first.value:.1f} times as much, beyond noise"
    else:
        size = f"{100 * abs(estimate.value / first.value - 1):.0f} %"
    return f"{size} {'more' if more else 'less'}, beyond noise"
