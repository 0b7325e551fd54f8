"""Reads of the counters of attribute mapping."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.counters.fold_sql import EXAMPLES

_READ = sa.text("""
    SELECT measure, value, sum(number)::bigint AS number,
        jsonb_path_query_array(jsonb_agg(examples ORDER BY counted_at DESC), '$[*][*]') AS examples
    FROM mapping_counts WHERE project_id = :project_id
    GROUP BY measure, value HAVING sum(number) > 0 ORDER BY measure, sum(number) DESC, value
""")


@dataclass(frozen=True, slots=True)
class MappingCount:
    """The number of spans with one value of a measure; the examples are (trace, span) ids."""

    measure: str
    value: str
    number: int
    examples: list[tuple[str, str]]


def list_mapping_counts(project_id: str) -> list[MappingCount]:
    """Return the counters of a project above zero, by measure, the largest first."""
    rows = db.session.execute(_READ, {"project_id": project_id})
    return [
        MappingCount(
            row.measure, row.value, row.number, [(t, s) for t, s in row.examples[:EXAMPLES]]
        )
        for row in rows
    ]
