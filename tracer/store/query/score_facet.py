"""The values of the project's scores for the facet of a list of traces, with counts."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.store.database.session import within
from tracer.store.query.facets import SECONDS
from tracer.store.query.selection import Selection, kept_statement
from tracer.store.schema import scores, traces

MAX_SCORES: Final = 3_000
"""Number of latest scores that are read, so that the facet takes no longer than this."""
MAX_SCORE_VALUES: Final = 12


class ScoreValue(NamedTuple):
    """A value of a score as a term of the query language has it, such as ``down`` or ``<0.5``.

    ``traces`` None: not counted, since the project has more than `MAX_SCORES` scores.
    """

    name: str
    value: str
    traces: int | None


def count_scores(project_id: str, selection: Selection) -> list[ScoreValue]:
    """Return the most frequent values of scores, and how many selected traces have each.

    Values come from the latest scores of all traces, so some may have no selected trace. Of a
    name with fractions, numbers are below 0.5 or not; texts are left out. Raises TooSlow.
    """
    count, counted, uncounted = _statements(project_id, selection)
    with within(SECONDS):
        read = db.session.execute(count).scalar_one()
        if not read:
            return []
        query = counted if read < MAX_SCORES else uncounted
        return sorted(ScoreValue(*row) for row in db.session.execute(query) if row[1])


@kept_statement
def _statements(project_id: str, selection: Selection) -> tuple[Any, Any, Any]:
    """Return the statements for the number of scores, and for values with and without counts."""
    recent = _recent(project_id)
    own = (traces.c.project_id == project_id, traces.c.trace_id == recent.c.trace_id)
    matches = sa.and_(*own, selection.condition(Grain.TRACE, traces))
    number = sa.func.count(traces.c.trace_id.distinct())
    values = sa.select(recent.c.name, _value(recent).label("value"))
    counted = values.add_columns(number).select_from(recent.outerjoin(traces, matches))
    return (
        sa.select(sa.func.count()).select_from(recent),
        _most_frequent(counted),
        _most_frequent(values.add_columns(sa.null())),
    )


def _most_frequent(values: sa.Select[Any]) -> sa.Select[Any]:
    grouped = values.group_by(sa.literal_column("1"), sa.literal_column("2"))
    ordered = grouped.order_by(sa.func.count().desc(), sa.literal_column("1"))
    return ordered.limit(MAX_SCORE_VALUES)


def _recent(project_id: str) -> sa.CTE:
    columns = [scores.c[name] for name in ("trace_id", "name", "data_type", "value")]
    return (
        sa.select(*columns, sa.func.left(scores.c.string_value, 200).label("text"))
        .where(
            scores.c.project_id == project_id, scores.c.trace_id != "", scores.c.data_type != "text"
        )
        .order_by(scores.c.time.desc())
        .limit(MAX_SCORES)
        .cte("recent")
    )


def _value(recent: sa.CTE) -> Any:
    """Return the value of a score as a term has it."""
    value = recent.c.value
    other = recent.alias()
    fractions = sa.select(other.c.name).where(
        other.c.data_type == "numeric", other.c.value != sa.func.trunc(other.c.value)
    )
    number = sa.cast(value, sa.Text)
    return sa.case(
        (recent.c.text.is_not(None), recent.c.text),
        (sa.and_(recent.c.data_type == "boolean", value == 0), "false"),
        (sa.and_(recent.c.data_type == "boolean", value == 1), "true"),
        (recent.c.name.in_(fractions), sa.case((value < 0.5, "<0.5"), else_=">=0.5")),
        else_=number,
    )
