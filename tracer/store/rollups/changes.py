"""What a transaction's changes of traces add to rollups, and take away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import psycopg

from tracer.merging.arrivals import Change
from tracer.merging.figures import Figures
from tracer.merging.spans import Span
from tracer.records import cost_total
from tracer.store.database.keys import TraceKey
from tracer.store.rollups.append import append, append_anyway, counted
from tracer.store.rollups.stored import add_stored
from tracer.store.rollups.sums import Deltas, Measured, add_spans, add_trace

_NOTHING: Mapping[str, int] = {}


def note_changes(connection: psycopg.Connection[Any], changes: Mapping[TraceKey, Change]) -> None:
    """Append what these changes add to the rollups of their projects, as part of them.

    Also have the worker index the words of these traces: one statement for both saves a round trip.
    """
    if not append(connection, _sums(connection, changes), changes):
        known = counted(connection, changes)
        some = {key: change for key, change in changes.items() if key in known}
        append_anyway(connection, _sums(connection, some))


def note_deletes(connection: psycopg.Connection[Any], traces: Mapping[TraceKey, Figures]) -> None:
    """Take deleted traces, whose spans are still stored, out of the rollups of their projects."""
    known = counted(connection, traces)
    sums: dict[str, Deltas] = defaultdict(Deltas)
    for key in known:
        add_trace(sums[key[0]], traces[key], -1)
        add_stored(connection, sums[key[0]], key, -1, traces[key].environment)
    append_anyway(connection, sums)


def _sums(
    connection: psycopg.Connection[Any], changes: Mapping[TraceKey, Change]
) -> dict[str, Deltas]:
    sums: dict[str, Deltas] = defaultdict(Deltas)
    for key, change in changes.items():
        _add_change(connection, key, change, sums[key[0]])
    return sums


def _add_change(
    connection: psycopg.Connection[Any], key: TraceKey, change: Change, deltas: Deltas
) -> None:
    before, after = change.figures_before, Figures.of(change.trace)
    environment = after.environment
    old_environment = environment if before is None else before.environment
    if before != after:
        if before is not None:
            add_trace(deltas, before, -1)
        add_trace(deltas, after, 1)
    if change.before:
        old = [change.before[span_id] for span_id in change.after if span_id in change.before]
        add_spans(deltas, old_environment, _measured(old), -1)
    add_spans(deltas, environment, _measured(change.after.values()), 1)
    for span in change.recounted:
        of = environment if span.record.span_id in change.after else old_environment
        add_spans(deltas, of, _measured([span]), 1)
        span.covered = not span.covered
        add_spans(deltas, of, _measured([span]), -1)
    if old_environment != environment:
        others = change.after.keys()
        add_stored(connection, deltas, key, -1, old_environment, without=others)
        add_stored(connection, deltas, key, 1, environment, without=others)


def _measured(spans: Iterable[Span]) -> Iterator[Measured]:
    for span in spans:
        if span.placeholder:
            continue
        record = span.record
        if span.covered:
            yield record, _NOTHING, None
        else:
            yield record, record.usage, cost_total(record.cost) if record.cost else None
