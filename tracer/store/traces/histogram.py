"""A selection over time: counts, failures, latency percentiles, tokens and cost."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from tracer.errors import TooSlow
from tracer.extensions import db
from tracer.measure.buckets import bar_width
from tracer.query.fields import Grain
from tracer.store.database.estimates import estimated_rows, sample
from tracer.store.database.session import within
from tracer.store.schema import sessions, spans, traces

Matching = Callable[[sa.FromClause], sa.ColumnElement[bool]]
"""The condition of a selection on the table of its rows, an alias or a sample of it."""
_TABLES: Final = {Grain.TRACE: traces, Grain.SPAN: spans, Grain.SESSION: sessions}

BARS: Final = 60
EXACT_ROWS: Final = 100_000
"""Of a selection of more rows (as PostgreSQL estimates), about as many are read as a sample."""
READ_ROWS: Final = 3_000
"""The same of traces whose spans or texts have to be read."""
SECONDS: Final = 2
# Latencies are counted by powers of this, so that percentiles are within 2 %.
_BASE: Final = 1.04


@dataclass(frozen=True, slots=True)
class Bar:
    """The rows that began in one interval, or in all of them."""

    start: datetime
    count: int
    errors: int
    """Failed traces or spans, sessions with a failed trace."""
    cost: Decimal | None
    """US dollars; None: no row has a cost."""
    tokens: int
    p50: timedelta | None
    """Latency percentiles, within 2 %; None: no row has ended, or they were not computed."""
    p95: timedelta | None
    sampled_percentiles: bool = False
    """Whether the percentiles are those of a sample, beside an exact count."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """The bars that are not empty, of ``width`` each, and the sums of all of them."""

    bars: list[Bar]
    width: timedelta
    total: Bar
    share: float
    """Share of the traces that were read: below 1, counts and sums are estimates from a sample."""
    rolled_up: bool = False
    """Whether the sums are those of rollups, so that the rows were not read."""

    @property
    def estimated(self) -> bool:
        """Whether the numbers are estimates."""
        return self.share < 1


def histogram(
    project_id: str,
    matching: Matching,
    since: datetime,
    until: datetime,
    bars: int = BARS,
    grain: Grain = Grain.TRACE,
    candidates: Matching | None = None,
    exact: Callable[[timedelta], Histogram | None] | None = None,
) -> Histogram:
    """Return the selection between two times in at most ``bars`` bars, whose width is a round time.

    The rows are traces, spans or sessions. A large selection is estimated from a sample of the
    table, also where the exact numbers take longer than `SECONDS`. Raises TooSlow: the sample does
    so as well. ``candidates``: the condition of the traces whose spans or texts are read to decide.
    ``exact`` answers for a large selection in bars of a width, if it can.
    """
    width = bar_width(until - since, bars)
    table = _TABLES[grain]
    conditions = _where(table, project_id, candidates or matching, since, until)
    max_rows = READ_ROWS if candidates else EXACT_ROWS
    rows = estimated_rows(sa.select(table.c.start_time).where(*conditions))

    def read(share: float) -> Histogram:
        return _read(grain, project_id, matching, (since, until), width, share)

    if rows <= max_rows:
        try:
            return read(1.0)
        except TooSlow:
            pass
    elif exact is not None and (answer := exact(width)) is not None:
        return answer
    return read(min(0.5, max_rows / max(rows, 1)))


def time_bounds(project_id: str) -> tuple[datetime, datetime] | None:
    """Return the starts of the first and the last trace; None: the project has no trace."""
    first, last = (
        sa.select(traces.c.start_time)
        .where(traces.c.project_id == project_id)
        .order_by(order)
        .limit(1)
        .scalar_subquery()
        for order in (traces.c.start_time, traces.c.start_time.desc())
    )
    earliest, latest = db.session.execute(sa.select(first, last)).one()
    return None if earliest is None else (earliest, latest)


def _where(
    table: sa.FromClause, project_id: str, matching: Matching, since: datetime, until: datetime
) -> list[sa.ColumnElement[bool]]:
    own = [
        table.c.project_id == project_id,
        table.c.start_time >= since,
        table.c.start_time < until,
        matching(table),
    ]
    return [*own, ~table.c.placeholder] if "placeholder" in table.c else own


def _read(
    grain: Grain,
    project_id: str,
    matching: Matching,
    period: tuple[datetime, datetime],
    width: timedelta,
    share: float,
) -> Histogram:
    own = _TABLES[grain]
    table: sa.FromClause = sample(own, share) if share < 1 else own
    since, until = period
    length = sa.func.date_part("epoch", table.c.end_time - table.c.start_time, type_=sa.Float)
    micros = sa.func.greatest(length * 1_000_000, 0) + 1
    # NULL is the bucket of spans that run.
    logarithm = sa.cast(sa.func.floor(sa.func.ln(micros) / math.log(_BASE)), sa.Integer)
    bucket = sa.case((length.is_not(None), logarithm))
    query = (
        sa.select(
            sa.func.date_bin(width, table.c.start_time, since).label("start"),
            bucket.label("bucket"),
            sa.func.count(),
            sa.func.count().filter(_failed(grain, table)),
            *_usage(table),
        )
        .where(*_where(table, project_id, matching, since, until))
        .group_by("start", "bucket")
        .order_by("start", "bucket")
    )
    with within(SECONDS):
        rows = [_Row(*row) for row in db.session.execute(query)]
    by_bar: dict[datetime, list[_Row]] = defaultdict(list)
    for row in rows:
        by_bar[row.start].append(row)
    bars = [_bar(start, of_bar, share) for start, of_bar in by_bar.items()]
    return Histogram(bars, width, _bar(since, rows, share), share)


def _usage(table: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """Return the sums of cost and tokens, without what repeats that of other spans."""
    sums = [sa.func.sum(table.c[name]) for name in ("total_cost", "total_tokens")]
    own = [each.filter(~table.c.covered) for each in sums] if "covered" in table.c else sums
    return [own[0], sa.func.coalesce(own[1], 0)]


def _failed(grain: Grain, table: sa.FromClause) -> sa.ColumnElement[bool]:
    if grain is Grain.SESSION:
        return table.c.error_count > 0
    return (table.c.status if grain is Grain.TRACE else table.c.level) == "error"


@dataclass(frozen=True, slots=True)
class _Row:
    """Rows of one bar whose latencies have the same logarithm, cut to a whole number."""

    start: datetime
    bucket: int | None
    count: int
    errors: int
    cost: Decimal | None
    tokens: Any


def _bar(start: datetime, rows: list[_Row], share: float) -> Bar:
    costs = [row.cost for row in rows if row.cost is not None]
    factor = 1 / Decimal(share)
    return Bar(
        start,
        count=round(sum(row.count for row in rows) * factor),
        errors=round(sum(row.errors for row in rows) * factor),
        cost=sum(costs, Decimal(0)) * factor if costs else None,
        tokens=round(sum(row.tokens for row in rows) * factor),
        p50=_percentile(rows, 0.5),
        p95=_percentile(rows, 0.95),
    )


def _percentile(rows: Iterable[_Row], part: float) -> timedelta | None:
    """Return the latency that ``part`` of the rows do not exceed, within 2 %."""
    counts: dict[int, int] = defaultdict(int)
    for row in rows:
        if row.bucket is not None:
            counts[row.bucket] += row.count
    rank = math.ceil(part * sum(counts.values()))
    for bucket in sorted(counts):
        rank -= counts[bucket]
        if rank <= 0:
            # The middle of the bucket, on the scale of its logarithm.
            return timedelta(microseconds=_BASE ** (bucket + 0.5) - 1)
    return None
