"""What lists show of the marks on a trace or session: bookmark, comments, scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tracer.records import Json
from tracer.store.schema import bookmarks, comments, scores, traces

MOST_SCORES: Final = 20
"""The latest scores that a summary is made of: however many there are, a list stays quick."""


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """The latest scores of one name: the mean of numbers and of yes and no, else the last word."""

    name: str
    data_type: str
    count: int
    value: float | None
    string_value: str | None


def mark_columns(of: sa.Table) -> list[sa.Label[Any]]:
    """Return `bookmarked`, `comment_count` and `scores` of each row of traces or sessions.

    As subqueries of single values: PostgreSQL makes those of the rows of the page alone.
    """
    latest = (
        sa.select(
            sa.func.jsonb_build_array(
                scores.c.name, scores.c.data_type, scores.c.value, scores.c.string_value
            ).label("said")
        )
        .where(_on(scores, of))
        .order_by(scores.c.time.desc())
        .limit(MOST_SCORES)
        # Said outright: two levels below, SQLAlchemy would bring its own rows of `of` along.
        .correlate(of)
        .subquery()
    )
    count = sa.select(sa.func.count()).select_from(comments).where(_on(comments, of))
    return [
        is_bookmarked(of).label("bookmarked"),
        count.scalar_subquery().label("comment_count"),
        sa.select(sa.func.jsonb_agg(latest.c.said)).scalar_subquery().label("scores"),
    ]


def is_bookmarked(of: sa.Table) -> sa.ColumnElement[bool]:
    """Return whether a row of traces or sessions has a bookmark."""
    return sa.exists().where(_on(bookmarks, of)).correlate(of)


def mark_conditions(
    of: sa.Table, *, bookmarked: bool | None, commented: bool | None, scored: bool | None
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of having such marks (True), of having none (False)."""
    asked = ((bookmarks, bookmarked), (comments, commented), (scores, scored))
    found = []
    for table, wanted in asked:
        if wanted is not None:
            exists = sa.exists().where(_on(table, of))
            found.append(exists if wanted else ~exists)
    return found


def summarise(latest: Iterable[list[Json]] | None) -> list[ScoreSummary]:
    """Return what the column `scores` holds by name, the latest first."""
    by_name: dict[tuple[str, str], list[list[Json]]] = {}
    for name, data_type, value, text in latest or ():
        by_name.setdefault((name, data_type), []).append([value, text])
    found = []
    for (name, data_type), said in by_name.items():
        numbers = [value for value, _ in said if value is not None]
        mean = sum(numbers) / len(numbers) if numbers else None
        found.append(ScoreSummary(name, data_type, len(said), mean, said[0][1]))
    return found


def _on(table: sa.Table, of: sa.Table) -> sa.ColumnElement[bool]:
    noun = "trace_id" if of is traces else "session_id"
    return sa.and_(*(table.c[name] == of.c[name] for name in ("project_id", noun)))
