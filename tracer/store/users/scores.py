"""The scores of one user's traces by name and over time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.database.session import within
from tracer.store.schema import scores, traces
from tracer.store.traces.traces import LIST_SECONDS
from tracer.store.users.details import interval_of


@dataclass(frozen=True, slots=True)
class UserScore:
    """The scores of one name on a user's traces and their spans; texts have no mean."""

    name: str
    data_type: str
    count: int
    mean: float | None
    trend: list[tuple[int, float]]
    """(interval, mean), intervals without a score left out."""


def user_scores(
    project_id: str, user_id: str, since: datetime, width: timedelta
) -> list[UserScore]:
    """Return the scores of a user's traces since a time, the most frequent name first.

    ``width`` is the length of the intervals of the trends, which are counted from ``since``.
    """
    query = (
        sa.select(
            *(scores.c.name, scores.c.data_type),
            *(interval_of(traces.c.start_time, since, width), sa.func.count()),
            *(sa.func.count(scores.c.value), sa.func.sum(scores.c.value)),
        )
        .join(
            traces,
            sa.and_(
                traces.c.project_id == scores.c.project_id, traces.c.trace_id == scores.c.trace_id
            ),
        )
        .where(
            scores.c.project_id == project_id,
            traces.c.user_id == user_id,
            traces.c.start_time >= since,
        )
        .group_by(scores.c.name, scores.c.data_type, "n")
        .order_by("n")
    )
    by_name: dict[tuple[str, str], list[tuple[int, int, int, float]]] = defaultdict(list)
    with within(LIST_SECONDS):
        for name, data_type, *counts in db.session.execute(query):
            by_name[name, data_type].append((counts[0], counts[1], counts[2], counts[3]))
    made = [_user_score(name, kind, rows) for (name, kind), rows in by_name.items()]
    return sorted(made, key=lambda score: (-score.count, score.name))


def _user_score(name: str, data_type: str, rows: list[tuple[int, int, int, float]]) -> UserScore:
    numbers = sum(values for _, _, values, _ in rows)
    mean = sum(total for *_, total in rows if total is not None) / numbers if numbers else None
    trend = [(n, total / values) for n, _, values, total in rows if values]
    return UserScore(name, data_type, sum(count for _, count, *_ in rows), mean, trend)
