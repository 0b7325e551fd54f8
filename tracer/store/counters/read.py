"""Reads of the counters of attribute mapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.counters.fold_sql import EXAMPLES

MAX_COUNTERS: Final = 50
"""Values of a measure per page: applications may send any number of model names."""
_READ = sa.text("""
    SELECT measure, value, number, examples FROM (
        SELECT measure, value, sum(number)::bigint AS number,
            jsonb_path_query_array(
                jsonb_agg(examples ORDER BY counted_at DESC), '$[*][*]'
            ) AS examples,
            row_number() OVER (PARTITION BY measure ORDER BY sum(number) DESC, value) AS position
        FROM mapping_counts WHERE project_id = :project_id
        GROUP BY measure, value HAVING sum(number) > 0
    ) counted
    WHERE position > :skipped AND position <= :skipped + :max_rows
    ORDER BY measure, position
""")
_TOTALS = sa.text("""
    SELECT measure, count(*) AS values, sum(number)::bigint AS number FROM (
        SELECT measure, sum(number) AS number
        FROM mapping_counts WHERE project_id = :project_id
        GROUP BY measure, value HAVING sum(number) > 0
    ) counted
    GROUP BY measure
""")


@dataclass(frozen=True, slots=True)
class MappingCount:
    """The number of spans with one value of a measure; the examples are (trace, span) ids."""

    measure: str
    value: str
    number: int
    examples: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class MeasureTotal:
    """The number of values that a measure has, and of the spans with one of them."""

    values: int
    number: int


def mapping_totals(project_id: str) -> dict[str, MeasureTotal]:
    """Return the total of each measure of a project."""
    rows = db.session.execute(_TOTALS, {"project_id": project_id})
    return {row.measure: MeasureTotal(row[1], row.number) for row in rows}


def list_mapping_counts(project_id: str, skipped: int = 0) -> list[MappingCount]:
    """Return the counters of a project above zero, by measure, the largest first.

    Returns at most MAX_COUNTERS values of each measure, after the first ``skipped`` ones.
    """
    values = {"project_id": project_id, "skipped": skipped, "max_rows": MAX_COUNTERS}
    rows = db.session.execute(_READ, values)
    return [
        MappingCount(
            row.measure, row.value, row.number, [(t, s) for t, s in row.examples[:EXAMPLES]]
        )
        for row in rows
    ]
