"""Answers aggregates from rollups where these have the exact sums.

Rollups consist of whole minutes, hours and days. The ends of a time range, before its first and
after its last whole unit, are scanned: their rows are read from the tables of traces and spans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tracer.store.database.conditions import Column, Condition, Field, where
from tracer.store.measure.pending import pending_sums
from tracer.store.measure.plan import MINUTES_KEPT, UNITS, Segment, cut
from tracer.store.measure.rollup import ROLLUPS_OF_SERIES, number_of_values, rollups_ready
from tracer.store.rollups.sums import SPAN, TRACE
from tracer.store.schema import rollup_series, rollups, spans, traces

_WIDTHS: Final = {"minute": "m", "hour": "mh"}
"""Widths of the rollups that add up to one interval, by granularity; others can use any width."""
_MEASURES: Final = ("latency", "time_to_first_token", "total_tokens", "total_cost")
_AGGREGATIONS: Final = ("sum", "avg")
_SCANNED: Final = "?"
"""The width that `cut` gives to the ends of a range, which no rollup covers."""


class Source(NamedTuple):
    """The rollups of a view: their grain, dimensions and measures."""

    grain: str
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    row: Mapping[str, Column]
    """The value of each measure in a row of the view's table; times in µs."""


def _micros(start: Column, end: Column) -> Column:
    return sa.cast(sa.extract("epoch", end - start) * 1_000_000, sa.BigInteger)


# Without tokens and costs of spans: rollups leave out those that repeat the usage of other spans.
_SOURCES: Final = {
    "traces": Source(
        TRACE,
        ("name", "environment"),
        ("latency", "total_tokens", "total_cost"),
        {
            "latency": _micros(traces.c.start_time, traces.c.end_time),
            "total_tokens": traces.c.total_tokens,
            "total_cost": traces.c.total_cost,
        },
    ),
    "spans": Source(
        SPAN,
        ("name", "kind", "model"),
        ("latency", "time_to_first_token"),
        {
            "latency": _micros(spans.c.start_time, spans.c.end_time),
            "time_to_first_token": _micros(spans.c.start_time, spans.c.first_token_time),
        },
    ),
}
Rows = Callable[[sa.Select[Any], str, Sequence[Condition]], sa.Select[Any]]
"""Returns the query restricted to the rows of a project that fulfil the conditions."""


class Sums(NamedTuple):
    """The rows of rollups and of the scanned ends, for the caller to group and sum."""

    table: sa.Subquery
    time: Column
    dimensions: Mapping[str, Column]

    def metric(self, measure: str, aggregation: str) -> Column:
        """Return the sum or average of a measure, or the number of rows; times in ms."""
        rows = self.table.c
        if measure == "count":
            return sa.cast(sa.func.coalesce(sa.func.sum(rows.rows), 0), sa.BigInteger)
        number: Column = sa.func.sum(rows[f"{measure}_number"])
        total: Column = sa.func.sum(rows[measure])
        if measure in ("latency", "time_to_first_token"):
            total = sa.cast(total, sa.Float) / 1000
        value = total if aggregation == "sum" else total / sa.func.nullif(number, 0)
        return sa.case((number > 0, value))

    @property
    def present(self) -> Column:
        """The condition that a group has rows: deletions can reduce the number to 0."""
        return sa.func.sum(self.table.c.rows) > 0


def sums_from_rollups(
    project_id: str,
    view: str,
    rows: Rows,
    time: Column,
    *,
    names: Sequence[str],
    metrics: Sequence[tuple[str, str]],
    conditions: Sequence[Condition],
    granularity: str | None,
    between: tuple[datetime, datetime],
) -> Sums | None:
    """Return the rows to be summed; None: rollups do not have the exact sums."""
    source = _SOURCES.get(view)
    if source is None or not _covers(source, names, metrics, conditions):
        return None
    widths = _WIDTHS.get(granularity or "", "mhd")
    segments = _segments(*between, widths)
    inner = [segment for segment in segments if segment.width != _SCANNED]
    if not inner or not rollups_ready():
        return None
    ends = [segment for segment in segments if segment.width == _SCANNED]
    table = sa.union_all(
        *(_folded(project_id, source, segment, conditions) for segment in inner),
        _pending(project_id, source, inner, conditions),
        *(_scanned(project_id, source, rows, time, end, conditions) for end in ends),
    ).subquery("sums")
    return Sums(table, table.c.time, {name: table.c[name] for name in source.dimensions})


def _covers(
    source: Source,
    names: Sequence[str],
    metrics: Sequence[tuple[str, str]],
    conditions: Sequence[Condition],
) -> bool:
    fields = {*names, *(condition.field for condition in conditions)}
    return fields <= set(source.dimensions) and all(
        measure == "count" or (measure in source.measures and aggregation in _AGGREGATIONS)
        for measure, aggregation in metrics
    )


def _segments(since: datetime, until: datetime, widths: str) -> list[Segment]:
    """Return the segments of the range; those that rollups lack have the width `_SCANNED`."""
    oldest = datetime.now(UTC) - MINUTES_KEPT
    units = [unit for unit in UNITS if unit[0] in widths]
    return [
        each._replace(width=_SCANNED) if each.width == "m" and each.since < oldest else each
        for each in cut(since, until, units)
    ]


def _columns(source: Source, sums: Mapping[str, tuple[Column, Column]]) -> list[Column]:
    """Return the sum and the number of values of each measure."""
    return [
        column.label(label)
        for name in source.measures
        for label, column in zip((name, f"{name}_number"), sums[name], strict=True)
    ]


def _rollup_columns(source: Source, table: Any) -> list[Column]:
    ended = table.rows - table.running if source.grain == SPAN else table.rows
    sums = {
        "latency": (table.latency, ended),
        "time_to_first_token": (table.first_token, number_of_values(table.first_tokens)),
        "total_tokens": (table.tokens, number_of_values(table.token_counts)),
        "total_cost": (table.cost, number_of_values(table.costs)),
    }
    return [table.rows.label("rows"), *_columns(source, sums)]


def _folded(
    project_id: str, source: Source, segment: Segment, conditions: Sequence[Condition]
) -> sa.Select[Any]:
    series = rollup_series.c
    fields = {name: Field(series[name]) for name in source.dimensions}
    return (
        sa.select(
            rollups.c.start.label("time"),
            *(series[name] for name in source.dimensions),
            *_rollup_columns(source, rollups.c),
        )
        .select_from(ROLLUPS_OF_SERIES)
        .where(
            series.project_id == project_id,
            series.grain == source.grain,
            ~series.whole,
            rollups.c.width == segment.width,
            rollups.c.start >= segment.since,
            rollups.c.start < segment.until,
            *where(list(conditions), fields),
        )
    )


def _pending(
    project_id: str, source: Source, inner: Sequence[Segment], conditions: Sequence[Condition]
) -> sa.Select[Any]:
    table = pending_sums(project_id, source.grain).subquery("pending_sums")
    fields = {name: Field(table.c[name]) for name in source.dimensions}
    within = [(table.c.start >= each.since) & (table.c.start < each.until) for each in inner]
    return sa.select(
        table.c.start.label("time"),
        *(table.c[name] for name in source.dimensions),
        *_rollup_columns(source, table.c),
    ).where(sa.or_(*within), *where(list(conditions), fields))


def _scanned(
    project_id: str,
    source: Source,
    rows: Rows,
    time: Column,
    end: Segment,
    conditions: Sequence[Condition],
) -> sa.Select[Any]:
    own = traces if source.grain == TRACE else spans
    number = {name: sa.cast(value.is_not(None), sa.Integer) for name, value in source.row.items()}
    sums = {name: (value, number[name]) for name, value in source.row.items()}
    query = sa.select(
        time.label("time"),
        *(own.c[name] for name in source.dimensions),
        sa.literal(1).label("rows"),
        *_columns(source, sums),
    )
    return rows(query, project_id, conditions).where(time >= end.since, time < end.until)
