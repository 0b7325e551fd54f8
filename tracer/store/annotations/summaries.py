"""The annotation columns of lists: bookmark, number of comments, and summaries of scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tracer.records import Json
from tracer.store.schema import bookmarks, comments, scores, traces

MAX_SCORES: Final = 20
"""Number of latest scores per row that summaries use, so that lists stay fast."""


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """The latest scores of one name: the mean of numeric and boolean ones, else the latest text."""

    name: str
    data_type: str
    count: int
    value: float | None
    string_value: str | None


def annotation_columns(rows: sa.Table) -> list[sa.Label[Any]]:
    """Return `bookmarked`, `comment_count` and `scores` of each row of traces or sessions.

    Scalar subqueries, which PostgreSQL evaluates for the rows of the page alone.
    """
    latest = (
        sa.select(
            sa.func.jsonb_build_array(
                scores.c.name, scores.c.data_type, scores.c.value, scores.c.string_value
            ).label("score")
        )
        .where(_on(scores, rows))
        .order_by(scores.c.time.desc())
        .limit(MAX_SCORES)
        # Explicit: from two levels below, SQLAlchemy would add `rows` to the subquery's FROM.
        .correlate(rows)
        .subquery()
    )
    count = sa.select(sa.func.count()).select_from(comments).where(_on(comments, rows))
    return [
        is_bookmarked(rows).label("bookmarked"),
        count.scalar_subquery().label("comment_count"),
        sa.select(sa.func.jsonb_agg(latest.c.score)).scalar_subquery().label("scores"),
    ]


def is_bookmarked(rows: sa.Table) -> sa.ColumnElement[bool]:
    """Return whether a row of traces or sessions has a bookmark."""
    return sa.exists().where(_on(bookmarks, rows)).correlate(rows)


def summarise(latest: Iterable[list[Json]] | None) -> list[ScoreSummary]:
    """Return summaries of the column `scores` by name, the latest score first."""
    by_name: dict[tuple[str, str], list[list[Json]]] = {}
    for name, data_type, value, text in latest or ():
        by_name.setdefault((name, data_type), []).append([value, text])
    summaries = []
    for (name, data_type), values in by_name.items():
        numbers = [value for value, _ in values if value is not None]
        mean = sum(numbers) / len(numbers) if numbers else None
        summaries.append(ScoreSummary(name, data_type, len(values), mean, values[0][1]))
    return summaries


def _on(table: sa.Table, rows: sa.Table) -> sa.ColumnElement[bool]:
    noun = "trace_id" if rows is traces else "session_id"
    return sa.and_(*(table.c[name] == rows.c[name] for name in ("project_id", noun)))
