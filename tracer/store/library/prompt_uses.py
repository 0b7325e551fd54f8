"""The use of prompts: figures of the model calls with a prompt or version, and latest traces."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from tracer.errors import TooSlow
from tracer.extensions import db
from tracer.store.database.session import within

_TIMEOUT_SECONDS: Final = 5
_LATEST_CALLS: Final = 500
"""Number of latest calls whose traces are listed."""

_FROM: Final = """
    FROM span_payload_rows y
    JOIN spans s ON s.project_id = y.project_id AND s.trace_id = y.trace_id
        AND s.span_id = y.span_id
"""
_FIGURES: Final = f"""
    count(*) AS calls, count(*) FILTER (WHERE s.status = 'error') AS errors,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY s.end_time - s.start_time) AS p50,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY s.end_time - s.start_time) AS p95,
    sum(s.total_tokens)::bigint AS tokens, sum(s.total_cost) AS cost
    {_FROM}
    WHERE y.project_id = :project_id AND s.start_time >= :since
"""
_BY_NAME: Final = sa.text(
    f"SELECT y.prompt_name, {_FIGURES} AND y.prompt_name = ANY(:names) GROUP BY y.prompt_name"
)
_BY_VERSION: Final = sa.text(
    f"SELECT y.prompt_version, {_FIGURES} AND y.prompt_name = :name GROUP BY y.prompt_version"
)
_SCORES: Final = """
    SELECT used.{key}, c.name, floor(extract(epoch FROM used.start - :since) / 86400)::int AS day,
        sum(c.value) AS total, count(*) AS scores
    FROM (
        SELECT y.{key}, y.trace_id, min(s.start_time) AS start {source}
        WHERE y.project_id = :project_id AND {condition} AND s.start_time >= :since
        GROUP BY y.{key}, y.trace_id
    ) used
    JOIN scores c ON c.project_id = :project_id AND c.trace_id = used.trace_id
    WHERE c.value IS NOT NULL
    GROUP BY used.{key}, c.name, day
"""
_SCORES_BY_NAME: Final = sa.text(
    _SCORES.format(key="prompt_name", condition="y.prompt_name = ANY(:names)", source=_FROM)
)
_SCORES_BY_VERSION: Final = sa.text(
    _SCORES.format(key="prompt_version", condition="y.prompt_name = :name", source=_FROM)
)
_MEANS_BY_VERSION: Final = sa.text(f"""
    SELECT used.prompt_name, used.prompt_version, c.name AS score, avg(c.value) AS mean
    FROM (
        SELECT DISTINCT y.prompt_name, y.prompt_version, y.trace_id {_FROM}
        WHERE y.project_id = :project_id AND y.prompt_name = ANY(:names)
            AND y.prompt_version IS NOT NULL AND s.start_time >= :since
    ) used
    JOIN scores c ON c.project_id = :project_id AND c.trace_id = used.trace_id
    WHERE c.value IS NOT NULL
    GROUP BY used.prompt_name, used.prompt_version, c.name
    ORDER BY used.prompt_name, used.prompt_version DESC, count(*) DESC, c.name
""")  # noqa: S608 - composed of constants; values are bound
_MOST_USED: Final = sa.text(f"""
    SELECT y.prompt_name {_FROM}
    WHERE y.project_id = :project_id AND y.prompt_name IS NOT NULL AND s.start_time >= :since
    GROUP BY y.prompt_name ORDER BY count(*) DESC, y.prompt_name LIMIT :max_rows
""")
_LATEST: Final = sa.text(f"""
    WITH calls AS (
        SELECT y.trace_id, y.span_id, y.prompt_version, s.start_time {_FROM}
        WHERE y.project_id = :project_id AND y.prompt_name = :name
            AND (CAST(:version AS integer) IS NULL OR y.prompt_version = :version)
        ORDER BY s.start_time DESC LIMIT :calls
    ), latest AS (
        SELECT DISTINCT ON (trace_id) * FROM calls ORDER BY trace_id, start_time DESC
    )
    SELECT t.trace_id, l.span_id, l.prompt_version, t.name, t.status, t.start_time,
        t.end_time - t.start_time AS duration, t.total_tokens, t.total_cost, p.input_preview,
        p.error_message
    FROM latest l
    JOIN traces t ON t.project_id = :project_id AND t.trace_id = l.trace_id
    JOIN trace_payloads p ON p.project_id = t.project_id AND p.trace_id = t.trace_id
    ORDER BY l.start_time DESC LIMIT :max_rows
""")  # noqa: S608 - composed of constants; values are bound


@dataclass(slots=True)
class UseFigures:
    """Figures of the model calls with a prompt, or with one version of it."""

    calls: int
    errors: int
    p50: timedelta | None
    p95: timedelta | None
    tokens: int | None
    cost: Decimal | None
    means: dict[str, float] = field(default_factory=dict)
    """Mean by score name over the calls' traces, the most frequent score first."""
    days: dict[str, list[float | None]] = field(default_factory=dict)
    """The mean on each day by score name; None: the day has no such score."""


@dataclass(frozen=True, slots=True)
class UsingTrace:
    """A trace with its latest call that used the prompt."""

    trace_id: str
    span_id: str
    version: int | None
    name: str
    status: str
    start_time: datetime
    duration: timedelta
    tokens: int | None
    cost: Decimal | None
    input_preview: str | None
    error: str | None


def figures_by_name(
    project_id: str, names: Collection[str], since: datetime
) -> dict[str, UseFigures]:
    """Return the figures of prompts since a time; empty: the query timed out."""
    values = {"project_id": project_id, "names": list(names), "since": since}
    return _with_scores(_rows(_BY_NAME, values), _rows(_SCORES_BY_NAME, values))


def figures_by_version(project_id: str, name: str, since: datetime) -> dict[int, UseFigures]:
    """Return the figures of a prompt's versions since a time; empty: the query timed out."""
    values = {"project_id": project_id, "name": name, "since": since}
    return _with_scores(_rows(_BY_VERSION, values), _rows(_SCORES_BY_VERSION, values))


def means_by_version(
    project_id: str, names: Collection[str], since: datetime
) -> dict[str, dict[int, dict[str, float]]]:
    """Return the mean scores of each version with scores, the newest first, by prompt.

    Of one version the most frequent score is first. Empty: the query timed out.
    """
    means: dict[str, dict[int, dict[str, float]]] = {}
    values = {"project_id": project_id, "names": list(names), "since": since}
    for row in _rows(_MEANS_BY_VERSION, values):
        versions = means.setdefault(row.prompt_name, {})
        versions.setdefault(row.prompt_version, {})[row.score] = row.mean
    return means


def most_used(project_id: str, since: datetime, limit: int) -> list[str]:
    """Return the names of the prompts with most model calls since a time, the most called first.

    Empty: no call named a prompt, or the query timed out.
    """
    values = {"project_id": project_id, "since": since, "max_rows": limit}
    return [row.prompt_name for row in _rows(_MOST_USED, values)]


def latest_traces(project_id: str, name: str, version: int | None, limit: int) -> list[UsingTrace]:
    """Return the traces that used a prompt last; `version` None: any version."""
    values = {"project_id": project_id, "name": name, "version": version}
    rows = _rows(_LATEST, values | {"calls": _LATEST_CALLS, "max_rows": limit})
    return [UsingTrace(*row) for row in rows]


def _with_scores(rows: list[Any], scores: list[Any]) -> dict[Any, UseFigures]:
    """Return the figures by prompt or version: the first column of both queries."""
    figures = {
        row[0]: UseFigures(row.calls, row.errors, row.p50, row.p95, row.tokens, row.cost)
        for row in rows
        if row[0] is not None
    }
    counts: dict[tuple[Any, str], tuple[int, float]] = {}
    last = max((row.day for row in scores), default=0)
    for row in scores:
        if row[0] not in figures:
            continue
        days = figures[row[0]].days.setdefault(row.name, [None] * (last + 1))
        days[row.day] = row.total / row.scores
        number, total = counts.get((row[0], row.name), (0, 0.0))
        counts[row[0], row.name] = number + row.scores, total + row.total
    for (key, name), (number, total) in sorted(
        counts.items(), key=lambda it: (-it[1][0], it[0][1])
    ):
        figures[key].means[name] = total / number
    return figures


def _rows(query: sa.TextClause, values: dict[str, Any]) -> list[Any]:
    try:
        with within(_TIMEOUT_SECONDS):
            return list(db.session.execute(query, values))
    except TooSlow:
        return []
