"""Counts of what is not stored are added up."""

from __future__ import annotations

from tracer.store.counters.add import LOGS, add
from tracer.store.counters.read import list_mapping_counts


def test_counts_add_up_by_project_and_kind(project: str) -> None:
    add(project, LOGS, 3)
    add(project, LOGS)
    counts = {(row.measure, row.value): row.number for row in list_mapping_counts(project)}
    assert counts == {LOGS: 4}
    assert list_mapping_counts("other") == []
