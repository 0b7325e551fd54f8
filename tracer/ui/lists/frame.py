"""What the pages of all lists show around their rows: facets, columns, time ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import url_for

from tracer.query.fields import Grain
from tracer.store.database.paging import Page
from tracer.ui.lists.columns import ColumnChoice, ColumnSet
from tracer.ui.lists.facets import sidebar
from tracer.ui.lists.list_query import ListQuery

PERIODS: Final = (("1h", "hour"), ("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"))
SWITCH: Final = (
    ("trace_list", "Traces"),
    ("generation_list", "Generations"),
    ("tool_list", "Tools"),
    ("span_list", "Spans"),
)


@dataclass(frozen=True, slots=True)
class ListKind:
    """One of the lists: what its rows are, and what it is called."""

    grain: Grain
    endpoint: str
    noun: str
    columns: ColumnSet
    rows: str
    """The template of the rows."""
    example: str
    """Of a query, shown in the empty box."""
    base: str = ""
    """The query that every row fulfils."""

    @property
    def title(self) -> str:
        """The heading of the page."""
        return f"{self.noun.capitalize()}s"

    def url(self, project_id: str, **values: Any) -> str:
        """Return the address of the list."""
        return url_for(f"ui.{self.endpoint}", project_id=project_id, **values)


def frame(
    kind: ListKind, project_id: str, query: ListQuery, page: Page[Any], choice: ColumnChoice
) -> Mapping[str, object]:
    """Return the context of ``lists/frame.html``; the rows need more."""
    switch = [
        (url_for(f"ui.{endpoint}", project_id=project_id), label, endpoint == kind.endpoint)
        for endpoint, label in SWITCH
    ]
    return {
        "kind": kind,
        "page": page,
        "query": query,
        "choice": choice,
        "columns": choice.columns,
        "sidebar": sidebar(project_id, query),
        "periods": periods(kind.grain),
        "switch": switch if kind.endpoint in dict(SWITCH) else [],
    }


def periods(grain: Grain) -> list[tuple[str, str]]:
    """Return the time ranges that a menu offers, as terms with their labels."""
    if grain in (Grain.SESSION, Grain.USER):
        return [(f"end:>-{length}", f"Active in the last {label}") for length, label in PERIODS]
    return [(f"start:>-{length}", f"Last {label}") for length, label in PERIODS]
