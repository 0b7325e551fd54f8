"""Streams the traces of a selection for a file, from one snapshot and in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from tracer.export.selections.write import Item
from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.store.database.session import within
from tracer.store.query.selection import Selection
from tracer.store.schema import traces
from tracer.store.traces.snapshot import Snapshot
from tracer.store.traces.traces import selected_rows, trace_row

MAX_STREAMED: Final = 100_000
"""Traces of a file that a request waits for; a job writes larger ones."""
_COUNT_SECONDS: Final = 10


def count_selection(project_id: str, selection: Selection, seconds: int = _COUNT_SECONDS) -> int:
    """Return the number of selected traces; raises TooSlow after these seconds."""
    query = (
        sa.select(sa.func.count())
        .select_from(traces)
        .where(traces.c.project_id == project_id, selection.condition(Grain.TRACE, traces))
    )
    with within(seconds):
        return int(db.session.scalar(query) or 0)


def read_items(
    snapshot: Snapshot, project_id: str, selection: Selection, sort: str | None = None
) -> Iterator[Item]:
    """Return the traces in the order of a list; raises Invalid for an unknown order.

    They are read while the response is sent, when the application context has ended.
    """
    return _read(snapshot, project_id, selected_rows(project_id, selection, sort))


def _read(snapshot: Snapshot, project_id: str, query: sa.Select[Any]) -> Iterator[Item]:
    for values in snapshot.stream(query):
        row_values = dict(values)
        metadata = row_values.pop("metadata") or {}
        trace_id = row_values["trace_id"]
        yield Item(
            trace_row(row_values),
            metadata,
            lambda trace_id=trace_id: snapshot.trace(project_id, trace_id),  # type: ignore[misc]
        )
