"""Dashboards are stored as documents, per project, and an outdated change is refused."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tracer.dashboards.document import Dashboard
from tracer.dashboards.library import ready
from tracer.errors import Conflict, NotFound
from tracer.store.annotations.subjects import Author
from tracer.store.library.dashboards import (
    change_dashboard,
    create_dashboard,
    delete_dashboard,
    get_dashboard,
    list_dashboards,
)

ADA, BEN = Author(name="Ada", author_id="1"), Author(name="Ben", author_id="2")


def test_a_dashboard_is_made_changed_and_deleted(project: str) -> None:
    cost = ready("cost")
    assert cost is not None
    made = create_dashboard(project, cost, ADA)
    assert (made.dashboard, made.version, made.author) == (cost, 1, "Ada")
    changed = replace(cost, name="Costs", tiles=cost.tiles[:2])
    again = change_dashboard(project, made.dashboard_id, changed, BEN, version=1)
    assert (again.dashboard, again.version, again.author) == (changed, 2, "Ben")
    with pytest.raises(Conflict, match="Ben changed this dashboard"):
        change_dashboard(project, made.dashboard_id, cost, ADA, version=1)
    (row,) = list_dashboards(project)
    assert (row.name, row.tiles, row.description) == ("Costs", 2, cost.description)
    delete_dashboard(project, made.dashboard_id)
    with pytest.raises(NotFound):
        get_dashboard(project, made.dashboard_id)


def test_a_dashboard_belongs_to_its_project(project: str) -> None:
    made = create_dashboard(project, Dashboard(name="mine"), ADA)
    assert list_dashboards("other") == []
    with pytest.raises(NotFound):
        get_dashboard("other", made.dashboard_id)
    with pytest.raises(NotFound):
        change_dashboard("other", made.dashboard_id, Dashboard(name="x"), BEN, version=1)
    delete_dashboard("other", made.dashboard_id)
    assert get_dashboard(project, made.dashboard_id) == made
