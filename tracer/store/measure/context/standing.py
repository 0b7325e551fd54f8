"""Ranks values of spans and traces among those of the same name in the last days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.extensions import db
from tracer.measure.answer import as_float
from tracer.measure.histogram import LogHistogram
from tracer.measure.standing import Standing, standing
from tracer.store.measure.plan import HISTOGRAMS
from tracer.store.measure.rollup import (
    ROLLUPS_OF_SERIES,
    elements_of,
    unpacked_key,
    unpacked_number,
)
from tracer.store.schema import rollup_series, rollups

DAYS: Final = 7
"""Whole days (UTC) before today, and today so far."""

Name = tuple[str | None, str]
"""(kind of a span, or None for a trace; name)"""


@dataclass(frozen=True, slots=True)
class Measured:
    """The values of a span or trace: seconds, US dollars, tokens; None: it has none."""

    key: str
    """The id, under which the caller gets the result."""
    kind: str | None
    """Of a span; None: it is a trace."""
    name: str
    latency: float | None = None
    first_token: float | None = None
    cost: Decimal | float | None = None
    tokens: int | None = None


Standings = Mapping[str, Standing]
"""By what was measured: latency, first_token, cost, tokens."""


def standings(
    project_id: str, rows: Iterable[Measured], now: datetime | None = None
) -> dict[str, Standings]:
    """Return where the values of a page's spans or traces stand, by their keys.

    Reads the daily rollups of their names in one query, without pending changes. A value with
    fewer than 20 values of its name has no entry.
    """
    listed = list(rows)
    histograms = read_names(project_id, {(row.kind, row.name) for row in listed}, now)
    by_key: dict[str, Standings] = {}
    for row in listed:
        own = histograms.get((row.kind, row.name), {})
        values = {
            name: standing(as_float(getattr(row, name)), among) for name, among in own.items()
        }
        by_key[row.key] = {name: each for name, each in values.items() if each is not None}
    return by_key


def read_names(
    project_id: str, names: Iterable[Name], now: datetime | None = None
) -> dict[Name, dict[str, LogHistogram]]:
    """Return how the values of each name were distributed in the last seven days and today."""
    by_kind: dict[str | None, list[str]] = defaultdict(list)
    for kind, name in names:
        by_kind[kind].append(name)
    if not by_kind:
        return {}
    today = (now or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
    histograms: dict[Name, dict[str, LogHistogram]] = defaultdict(lambda: defaultdict(LogHistogram))
    values = {
        "project": project_id,
        "since": today - timedelta(days=DAYS),
        **{f"names_{index}": own for index, own in enumerate(by_kind.values())},
    }
    for measure, kind, name, key, number in db.session.execute(_statement(tuple(by_kind)), values):
        histograms[kind, name][measure].counts[key] += int(number)
    return histograms


@lru_cache(maxsize=64)
def _statement(kinds: tuple[str | None, ...]) -> Any:
    """Return the statement for names of these kinds; building it takes as long as its answer."""
    series = rollup_series
    named = sa.or_(
        *(
            (series.c.grain == ("t" if kind is None else "s"))
            & series.c.kind.is_not_distinct_from(kind)
            & (series.c.name == sa.any_(sa.bindparam(f"names_{index}", type_=ARRAY(sa.Text))))
            for index, kind in enumerate(kinds)
        )
    )
    days = (
        sa.select(series.c.kind, series.c.name, *(rollups.c[name] for name in HISTOGRAMS.values()))
        .select_from(ROLLUPS_OF_SERIES)
        .where(
            series.c.project_id == sa.bindparam("project"),
            ~series.c.whole,
            named,
            rollups.c.width == "d",
            rollups.c.start >= sa.bindparam("since"),
        )
        .cte("days")
    )
    return sa.union_all(*(_counts(days, measure, column) for measure, column in HISTOGRAMS.items()))


def _counts(days: sa.CTE, measure: str, column: str) -> sa.Select[Any]:
    each = elements_of(days.c[column])
    return (
        sa.select(
            sa.literal(measure),
            days.c.kind,
            days.c.name,
            unpacked_key(each.c.value).label("key"),
            sa.func.sum(unpacked_number(each.c.value)),
        )
        .select_from(days.join(each, sa.true()))
        .group_by(days.c.kind, days.c.name, sa.literal_column("4"))
    )
