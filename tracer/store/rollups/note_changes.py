"""Appends the changes of a transaction to traces, for the worker to add to the rollups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from tracer.merging.arrivals import Change
from tracer.merging.figures import Figures
from tracer.merging.spans import Span
from tracer.records import cost_total
from tracer.store.database.keys import TraceKey
from tracer.store.rollups.append import append, append_unconditionally, lock_counted
from tracer.store.rollups.changes import RawChanges
from tracer.store.rollups.stored import stored_spans
from tracer.store.rollups.sums import SpanFigures, failure

_NOTHING: dict[str, int] = {}
_NO_FAILURE = failure("default", None)


def note_changes(connection: psycopg.Connection[Any], changes: Mapping[TraceKey, Change]) -> None:
    """Append these changes to the rollups of their projects, in the same transaction.

    The same statement queues the traces for the text index, which saves a round trip.
    """
    if not append(connection, _changes(connection, changes), changes):
        counted = lock_counted(connection, changes)
        of_counted = {key: change for key, change in changes.items() if key in counted}
        append_unconditionally(connection, _changes(connection, of_counted))


def note_deletes(connection: psycopg.Connection[Any], traces: Mapping[TraceKey, Figures]) -> None:
    """Subtract deleted traces, whose spans are still stored, from the rollups of their projects."""
    by_project: dict[str, RawChanges] = defaultdict(RawChanges)
    for key in lock_counted(connection, traces):
        changes = by_project[key[0]]
        changes.add_trace(traces[key], -1)
        changes.add_spans(traces[key].environment, stored_spans(connection, key), -1)
    append_unconditionally(connection, by_project)


def _changes(
    connection: psycopg.Connection[Any], changes: Mapping[TraceKey, Change]
) -> dict[str, RawChanges]:
    by_project: dict[str, RawChanges] = defaultdict(RawChanges)
    for key, change in changes.items():
        _add_change(connection, key, change, by_project[key[0]])
    return by_project


def _add_change(
    connection: psycopg.Connection[Any], key: TraceKey, change: Change, changes: RawChanges
) -> None:
    before, after = change.figures_before, change.final_figures()
    environment = after.environment
    old_environment = environment if before is None else before.environment
    if before != after:
        if before is not None:
            changes.add_trace(before, -1)
        changes.add_trace(after, 1)
    if change.before:
        old = [change.before[span_id] for span_id in change.after if span_id in change.before]
        changes.add_spans(old_environment, _rows(old), -1)
    changes.add_spans(environment, _rows(change.after.values()), 1)
    for span in change.recounted:
        # Rows of changing spans have moved to the new environment above, others move below.
        own = environment if span.record.span_id in change.after else old_environment
        changes.add_spans(own, _rows([span]), 1)
        span.usage_excluded = not span.usage_excluded
        changes.add_spans(own, _rows([span]), -1)
    if old_environment != environment:
        others = stored_spans(connection, key, without=change.after.keys())
        changes.add_spans(old_environment, others, -1)
        changes.add_spans(environment, others, 1)


def _rows(spans: Iterable[Span]) -> list[SpanFigures]:
    return [_row(span) for span in spans if not span.placeholder]


def _row(span: Span) -> SpanFigures:
    record = span.record
    usage, cost = _NOTHING, None
    if not span.usage_excluded:
        usage, cost = record.usage, cost_total(record.cost) if record.cost else None
    return SpanFigures(
        record.kind,
        record.name,
        record.model,
        record.provider,
        record.start_time,
        record.end_time,
        record.first_token_time,
        *(failure(record.level, record.status_message) if record.level == "error" else _NO_FAILURE),
        usage,
        cost,
    )
