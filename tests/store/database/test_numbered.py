"""Numbered pages: a part of an ordered query, and the number of all its rows."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.database.numbered import numbered_page
from tracer.store.schema import projects


@pytest.mark.parametrize(
    ("limit", "offset", "expected"),
    [
        (2, 0, ["p4", "p3"]),
        (2, 4, ["p0"]),
        (2, 9, []),
        (None, 3, ["p1", "p0"]),
        (0, 0, []),
    ],
)
def test_a_page_has_its_rows_and_the_total_of_the_whole_query(
    project: str, limit: int | None, offset: int, expected: list[str]
) -> None:
    values = [{"project_id": f"p{n}", "name": "n"} for n in range(5)]
    db.session.execute(sa.insert(projects).values(values))
    query = (
        sa.select(projects.c.project_id)
        .where(projects.c.project_id != project)
        .order_by(projects.c.project_id.desc())
    )
    rows, total = numbered_page(query, limit, offset)
    assert ([row["project_id"] for row in rows], total) == (expected, 5)
