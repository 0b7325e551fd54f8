"""The rows of an aggregate from rollups where they have its sums exactly, with the ends scanned.

Rollups consist of whole minutes, hours and days. What of the range of time lies before the first
whole one or after the last one is read from the rows themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tracer.store.database.conditions import Column, Condition, Field, where
from tracer.store.measure.pending import pending_sums
from tracer.store.measure.plan import MINUTES_KEPT, UNITS, Segment, cut
from tracer.store.measure.rollup import number_of_values, rollups_ready
from tracer.store.schema import rollup_series, rollups, spans, traces

_WIDTHS: Final = {"minute": "m", "hour": "mh"}
"""Widths of rollups that intervals of time consist of; longer intervals consist of any."""
_MEASURES: Final = ("latency", "time_to_first_token", "total_tokens", "total_cost")
_SUMS: Final = ("sum", "avg")


class Source(NamedTuple):
    """What the rollups of a view have: their series, dimensions, and the same of its rows."""

    counts: str
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    row: Mapping[str, Column]
    """By measure, its value in one row; times in µs."""


def _micros(start: Column, end: Column) -> Column:
    return sa.cast(sa.extract("epoch", end - start) * 1_000_000, sa.BigInteger)


# Tokens and costs of spans are not among them: rollups leave out what other spans repeat.
_SOURCES: Final = {
    "traces": Source(
        "t",
        ("name", "environment"),
        ("latency", "total_tokens", "total_cost"),
        {
            "latency": _micros(traces.c.start_time, traces.c.end_time),
            "total_tokens": traces.c.total_tokens,
            "total_cost": traces.c.total_cost,
        },
    ),
    "spans": Source(
        "s",
        ("name", "kind", "model"),
        ("latency", "time_to_first_token"),
        {
            "latency": _micros(spans.c.start_time, spans.c.end_time),
            "time_to_first_token": _micros(spans.c.start_time, spans.c.first_token_time),
        },
    ),
}
Rows = Callable[[sa.Select[Any], str, Sequence[Condition]], sa.Select[Any]]
"""Returns a query on the rows of a view that fulfil conditions."""


class Sums(NamedTuple):
    """The rows of rollups and of the ends, to be grouped and summed: columns by name."""

    table: sa.Subquery
    time: Column
    dimensions: Mapping[str, Column]

    def metric(self, measure: str, how: str) -> Column:
        """Return an aggregated measure, in milliseconds for times."""
        rows = self.table.c
        if measure == "count":
            return sa.cast(sa.func.coalesce(sa.func.sum(rows.rows), 0), sa.BigInteger)
        number: Column = sa.func.sum(rows[f"{measure}_number"])
        total: Column = sa.func.sum(rows[measure])
        if measure in ("latency", "time_to_first_token"):
            total = sa.cast(total, sa.Float) / 1000
        value = total if how == "sum" else total / sa.func.nullif(number, 0)
        return sa.case((number > 0, value))

    @property
    def present(self) -> Column:
        """The condition on groups that a row is left in them."""
        return sa.func.sum(self.table.c.rows) > 0


def sums_of(
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
    """Return the rows to be summed; None: rollups can't answer exactly."""
    source = _SOURCES.get(view)
    if source is None or not _has(source, names, metrics, conditions):
        return None
    widths = _WIDTHS.get(granularity or "", "mhd")
    segments = _segments(*between, widths)
    inner = [segment for segment in segments if segment.width != "?"]
    if not inner or not rollups_ready():
        return None
    ends = [segment for segment in segments if segment.width == "?"]
    table = sa.union_all(
        *(_folded(project_id, source, segment, conditions) for segment in inner),
        _pending(project_id, source, inner, conditions),
        *(_scanned(project_id, source, rows, time, end, conditions) for end in ends),
    ).subquery("sums")
    return Sums(table, table.c.time, {name: table.c[name] for name in source.dimensions})


def _has(
    source: Source,
    names: Sequence[str],
    metrics: Sequence[tuple[str, str]],
    conditions: Sequence[Condition],
) -> bool:
    fields = {*names, *(condition.field for condition in conditions)}
    return fields <= set(source.dimensions) and all(
        measure == "count" or (measure in source.measures and how in _SUMS)
        for measure, how in metrics
    )


def _segments(since: datetime, until: datetime, widths: str) -> list[Segment]:
    """Return the parts of the range; those that rollups lack have the width ``?``."""
    oldest = datetime.now(UTC) - MINUTES_KEPT
    units = [unit for unit in UNITS if unit[0] in widths]
    return [
        each._replace(width="?") if each.width == "m" and each.since < oldest else each
        for each in cut(since, until, units)
    ]


def _columns(source: Source, sums: Mapping[str, tuple[Column, Column]]) -> list[Column]:
    """Return the sum and the number of values of each measure; NULL and 0 of those it lacks."""
    return [
        column.label(label)
        for name in source.measures
        for label, column in zip((name, f"{name}_number"), sums[name], strict=True)
    ]


def _rollup_columns(source: Source, table: Any) -> list[Column]:
    ended = table.rows - table.running if source.counts == "s" else table.rows
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
        .join(
            rollups,
            (rollups.c.project_id == series.project_id) & (rollups.c.series == series.series),
        )
        .where(
            series.project_id == project_id,
            series.grain == source.counts,
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
    table = pending_sums(project_id, source.counts).subquery("pending_sums")
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
    own = traces if source.counts == "t" else spans
    number = {name: sa.cast(value.is_not(None), sa.Integer) for name, value in source.row.items()}
    sums = {name: (value, number[name]) for name, value in source.row.items()}
    query = sa.select(
        time.label("time"),
        *(own.c[name] for name in source.dimensions),
        sa.literal(1).label("rows"),
        *_columns(source, sums),
    )
    return rows(query, project_id, conditions).where(time >= end.since, time < end.until)
