"""The chart over a list: its rows over time, bars that narrow the time range, and sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from flask import request

from tracer.errors import TooSlow
from tracer.measure.buckets import bar_width, floor
from tracer.query.edit import narrowed
from tracer.query.fields import Grain, field_of
from tracer.query.filters import period_match, period_of
from tracer.query.printing import term_text
from tracer.query.tree import Related, Term
from tracer.store.metrics.over_time import rolled_up
from tracer.store.metrics.scans import Scans, scans_of
from tracer.store.traces.histogram import BARS, Bar, Histogram, histogram, time_bounds
from tracer.store.users.over_time import users_over_time
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists.kinds import ListKind, list_kind
from tracer.ui.lists.lengths import bars_since, beginning, length_of, midnight
from tracer.ui.query.list_query import KEPT, ListQuery
from tracer.ui.render.format import duration, money
from tracer.wording import plural

MEASURES: Final = {"count": "Count", "latency": "Latency", "cost": "Cost"}
HEIGHT: Final = 32
_TICKS: Final = 6
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ChartBar:
    """One bar: its slot, its heights out of `HEIGHT`, and the address of its rows."""

    slot: int
    high: float
    low: float
    """Height of the part in front: failed rows, or the median."""
    title: str
    url: str
    period: str
    """The values of the term that narrows the list to the bar."""
    row: Bar


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars of a selection, with the labels of the axes."""

    bars: list[ChartBar]
    slots: int
    ticks: list[tuple[float, str]]
    top: str
    """The value of the highest bar."""
    label: str
    per: str
    """The time that a bar covers, as text."""
    width: timedelta
    share: float
    """Share of the table that was read: below 1, the numbers are estimates."""


@dataclass(frozen=True, slots=True)
class OverTime:
    """Charts by measure, with the sums of the selection; ``note``: why there are none."""

    total: Bar | None
    charts: Mapping[str, Chart]
    note: str = ""
    scans: Scans | None = None
    """What of the page of the list reads most of a large table."""


@html_and_json("/project/<project_id>/histogram")
def list_histogram(project_id: str) -> Representations:
    """Show the selection of the list that ``list`` names over time, and its sums."""
    kind = list_kind(request.args.get("list", "trace_list"))
    keep = ("of", *KEPT) if kind.grain is Grain.USER else KEPT
    query = ListQuery(request.args, kind.grain, kind.url(project_id), kind.base, keep)
    shown = over_time(project_id, kind, query, measure_of(query))
    fragment = request.headers.get("HX-Request-Type") == "partial"
    return Representations(
        "lists/_histogram.html" if fragment else "lists/histogram.html",
        context=lambda: {
            "over": shown,
            "kind": kind,
            "query": query,
            "measure": measure_of(query),
            "measures": [
                (name, MEASURES[name], query.url(over=name)) for name in _measures(query.grain)
            ],
        },
        data=lambda: query.valid() and shown,
    )


def measure_of(query: ListQuery) -> str:
    """Return what the bars show: a key of `MEASURES`."""
    chosen = query.kept.get("over", "")
    return chosen if chosen in _measures(query.grain) else "count"


def _measures(grain: Grain) -> list[str]:
    # Users have no latency.
    return [name for name in MEASURES if name != "latency" or grain is not Grain.USER]


def over_time(project_id: str, kind: ListKind, query: ListQuery, *measures: str) -> OverTime:
    """Return charts of the selection; without them where counting takes too long."""
    period = _period(project_id, query)
    if period is None:
        return OverTime(None, {})
    try:
        counted = _counted(project_id, query, period, "latency" in measures)
    except TooSlow:
        return OverTime(None, {}, "Counting takes too long: choose a shorter time range.")
    origin, until = counted.total.start, period[1]
    slots = max(1, -(-(until - origin) // counted.width)) if counted.bars else 0
    return OverTime(
        counted.total,
        {name: _chart(kind, query, counted, origin, slots, name) for name in measures if slots},
        scans=scans_of(
            *(project_id, query.selection, query.sort_parameter, query.grain),
            chart=not counted.estimated and not counted.rolled_up,
        ),
    )


def _counted(
    project_id: str, query: ListQuery, period: tuple[datetime, datetime], with_percentiles: bool
) -> Histogram:
    """Return the rows of the selection over time, which begins with that of their sums.

    ``with_percentiles``: of each bar, which rollups of a large selection don't give.
    """
    since, until = period
    grain = query.grain
    if grain is Grain.USER:
        begin = beginning(length_of(query.kept.get("of")))
        first = begin or midnight(since)
        return users_over_time(project_id, query.selection, begin, first, bars_since(first)[0])
    origin = floor(since, bar_width(until - since, BARS), query.clock)
    selection = query.selection
    if grain is Grain.TRACE and selection.reads_more:
        # Reads spans trace by trace: PostgreSQL would otherwise scan all matching spans.
        return histogram(
            *(project_id, selection.row_condition, origin, until),
            candidates=selection.candidate,
        )

    def exact(width: timedelta) -> Histogram | None:
        return rolled_up(project_id, selection, (origin, until), width, grain)

    return histogram(
        project_id,
        lambda table: selection.condition(grain, table),
        origin,
        until,
        grain=grain,
        exact=None if with_percentiles else exact,
    )


def _period(project_id: str, query: ListQuery) -> tuple[datetime, datetime] | None:
    """Return the time that the chart covers; None: there is no row, or no time."""
    bounds = time_bounds(project_id)
    if bounds is None:
        return None
    if query.grain is Grain.USER:
        return bounds[0], datetime.now(UTC)
    since, until = period_of(query.node, query.clock, query.grain)
    since = max(since or bounds[0], bounds[0] - _DAY)
    # Spans begin after their trace.
    until = min(until or datetime.now(UTC), datetime.now(UTC) + _DAY)
    return (since, until) if since < until else None


def _chart(
    kind: ListKind,
    query: ListQuery,
    counted: Histogram,
    origin: datetime,
    slots: int,
    measure: str,
) -> Chart:
    width = counted.width
    maximum = max((_values(measure, bar)[0] for bar in counted.bars), default=0.0) or 1.0
    bars = []
    for bar in counted.bars:
        high, low = (HEIGHT * value / maximum for value in _values(measure, bar))
        bars.append(_bar(kind, query, bar, width, (bar.start - origin) // width, high, low))
    shown: Callable[[float], str] = {
        "latency": lambda value: duration(timedelta(seconds=value)),
        "cost": lambda value: money(Decimal(value)),
    }.get(measure, lambda value: f"{value:,.0f}")
    return Chart(
        bars=bars,
        slots=slots,
        ticks=_ticks(origin, width, slots),
        top=shown(maximum),
        label=f"{kind.noun}s per {_length(width)}",
        per=_length(width),
        width=width,
        share=counted.share,
    )


def _length(width: timedelta) -> str:
    for unit, name in ((_DAY, "d"), (timedelta(hours=1), "h")):
        if width >= unit:
            return f"{width // unit} {name}"
    return f"{width // timedelta(minutes=1)} min" if width.seconds >= 60 else duration(width)


def _values(measure: str, bar: Bar) -> tuple[float, float]:
    """Return (height, height of the part in front) of a bar, in the unit of the measure."""
    if measure == "latency":
        return _seconds(bar.p95), _seconds(bar.p50)
    if measure == "cost":
        return float(bar.cost or 0), 0.0
    return float(bar.count), float(bar.errors)


def _seconds(value: timedelta | None) -> float:
    return value.total_seconds() if value else 0.0


def _bar(
    kind: ListKind,
    query: ListQuery,
    bar: Bar,
    width: timedelta,
    slot: int,
    high: float,
    low: float,
) -> ChartBar:
    of_users = query.grain is Grain.USER
    field = field_of(Grain.TRACE if of_users else query.grain, "start")
    assert field is not None
    start = bar.start.astimezone(query.clock.zone)
    term = Term(field, None, (period_match(start, start + width, query.clock),))
    text = term_text(term)
    # A user has no time: bars count the users with a trace in the interval.
    node = Related(Grain.TRACE, term)
    url = (
        query.url(narrowed(query.shown, query.grain, node)) if of_users else query.period_url(text)
    )
    parts = [
        f"{start:%a %d %b %H:%M}: {plural(bar.count, kind.noun)}, {bar.errors:,} {kind.failed}",
        f"p50 {duration(bar.p50)}, p95 {duration(bar.p95)}" if bar.p95 else "",
        money(bar.cost),
    ]
    return ChartBar(
        slot=slot,
        high=max(high, 0.8 if high else 0.0),
        low=max(low, 0.8 if low else 0.0),
        title=", ".join(filter(None, parts)),
        url=url,
        period=text.partition(":")[2],
        row=bar,
    )


def _ticks(origin: datetime, width: timedelta, slots: int) -> list[tuple[float, str]]:
    """Return (place in percent, text) of the times under the chart."""
    step = max(1, -(-slots // _TICKS))
    long = width * slots > timedelta(hours=40)
    ticks = []
    day = None
    for slot in range(0, slots, step):
        time = origin + slot * width
        text = f"{time:%d %b}" if long and time.date() != day else f"{time:%H:%M}"
        day = time.date()
        if not long and (slot == 0 or time.hour * 60 + time.minute < step * width / _DAY * 1440):
            text = f"{time:%a %H:%M}"
        ticks.append((100 * slot / slots, text))
    return ticks
