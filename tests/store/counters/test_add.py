"""Counts of what is not stored: added up, and remembered for an hour."""

from __future__ import annotations

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.counters.add import LOGS, NO_KEY, add, counted_lately
from tracer.store.counters.read import list_mapping_counts


def test_counts_add_up_by_project_and_kind(project: str) -> None:
    add(project, LOGS, 3)
    add(project, LOGS)
    add(project, NO_KEY)
    counts = {(row.measure, row.value): row.number for row in list_mapping_counts(project)}
    assert counts == {LOGS: 4, NO_KEY: 1}
    assert list_mapping_counts("other") == []


def test_a_count_is_recent_for_an_hour(project: str) -> None:
    add(project, NO_KEY)
    assert counted_lately(project, NO_KEY)
    assert not counted_lately(project, LOGS)
    assert not counted_lately("other", NO_KEY)
    older = "UPDATE mapping_counts SET counted_at = counted_at - interval '61 minutes'"
    db.session.execute(sa.text(older))
    assert not counted_lately(project, NO_KEY)
