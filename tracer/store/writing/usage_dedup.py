"""Whose usage counts: a span above a metered one repeats it, and is not added up again.

Frameworks report what an agent used on the agent and on each of its calls; so do chat models
that wrap a provider's client. Coverage runs up from a metered span until it meets a span that is
covered already: each span is covered once, so in the long run this costs one step per span.
Placeholders are covered too, and so carry the news to a parent that arrives later.

A client that reports its own calls does so beside its instrumentation: such an echo is covered
by any other span with the same id of the provider's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tracer.merging.arrivals import Arrivals, Change
from tracer.records import SpanPatch, SpanRecord
from tracer.store.database.keys import TraceKey, columns_of
from tracer.store.writing import load

_COVER = """
    WITH RECURSIVE up (span_id, parent_id) AS (
        SELECT span_id, parent_span_id FROM spans
        WHERE project_id = %(project_id)s AND trace_id = %(trace_id)s
            AND span_id = ANY(%(ids)s) AND NOT covered
        UNION
        SELECT s.span_id, s.parent_span_id
        FROM up JOIN spans s ON s.project_id = %(project_id)s AND s.trace_id = %(trace_id)s
            AND s.span_id = up.parent_id AND NOT s.covered
    ), flipped AS (
        UPDATE spans s SET covered = true FROM up
        WHERE s.project_id = %(project_id)s AND s.trace_id = %(trace_id)s
            AND s.span_id = up.span_id
        RETURNING s.*
    )
    SELECT f.*, p.usage, p.cost, p.cost_source, p.dialect, p.sent_parent_id FROM flipped f
    JOIN span_payloads p USING (project_id, trace_id, span_id)
    WHERE p.usage IS NOT NULL OR p.cost IS NOT NULL
"""


_TWINS = """
    SELECT k.project_id, k.trace_id, s.span_id, s.call_id, s.echo
    FROM unnest(%s::text[], %s::text[], %s::text[]) k (project_id, trace_id, call_id)
    JOIN spans s USING (project_id, trace_id, call_id)
    WHERE s.echo OR s.total_tokens IS NOT NULL
"""


def spread(change: Change, arrived: Arrivals) -> None:
    """Cover the changing echoes and the changing spans above metered ones.

    The stored spans to go on from are left in `change.covering`.
    """
    _silence(change, arrived)
    for start in _starts(change, arrived):
        at: str | None = start
        while at is not None:
            span = change.after.get(at)
            if span is None:
                held = change.before.get(at)
                if held is None or not held.covered:
                    change.covering.add(at)
                break
            if span.covered:
                break
            span.covered = True
            at = span.record.parent_span_id


def _silence(change: Change, arrived: Arrivals) -> None:
    """Cover the changing echoes of calls that an arriving span reports as well."""
    reported = {record.call_id for record in _reports(arrived) if not record.echo}
    for span in change.after.values():
        if span.record.echo and span.record.call_id in reported:
            span.covered = True


def silence_stored(
    connection: psycopg.Connection[Any],
    arrivals: dict[TraceKey, Arrivals],
    changes: dict[TraceKey, Change],
) -> None:
    """Cover echoes among stored spans, and arriving echoes of stored ones."""
    calls = {
        (*key, record.call_id)
        for key, arrived in arrivals.items()
        for record in _reports(arrived)
        if record.call_id is not None
    }
    if not calls:
        return
    with connection.cursor() as cursor:
        twins = cursor.execute(_TWINS, columns_of(sorted(calls), 3)).fetchall()
    for project_id, trace_id, span_id, call_id, echo in twins:
        key = project_id, trace_id
        change = changes[key]
        if not echo:
            for span in change.after.values():
                if span.record.echo and span.record.call_id == call_id:
                    span.covered = True
        elif span_id not in change.after and any(
            record.call_id == call_id and not record.echo for record in _reports(arrivals[key])
        ):
            change.covering.add(span_id)


def _reports(arrived: Arrivals) -> Iterator[SpanRecord]:
    """Yield the arriving records that tell what a call with an id used."""
    for records in arrived.records.values():
        for record in records:
            if record.call_id is not None and (record.usage or record.cost):
                yield record


def spread_stored(connection: psycopg.Connection[Any], key: TraceKey, change: Change) -> None:
    """Cover the stored spans that `spread` ended at, and take their usage out of the sums."""
    if not change.covering:
        return
    values = {"project_id": key[0], "trace_id": key[1], "ids": list(change.covering)}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_COVER, values):
            span = load.read_span(row)
            change.trace.totals.add(span)
            span.covered = False
            change.trace.totals.add(span, -1)


def _starts(change: Change, arrived: Arrivals) -> Iterator[str]:
    """Yield the parents above which everything is to be covered."""
    for span_id in arrived.records.keys() | arrived.patches.keys():
        records, patches = arrived.of(span_id)
        if _metered(records, patches):
            span = change.after.get(span_id) or change.before[span_id]
            # All records count, also those that lost: else the order of arrival would show.
            parents = {record.parent_span_id for record in records}
            # A span that names itself as its parent is a root: it must not cover itself.
            yield from _known((parents | {span.record.parent_span_id}) - {span_id})
    for span_id, span in change.after.items() if change.before else ():
        held, record = change.before.get(span_id), span.record
        # Stored under no parent or another one (an update names a new parent): the ancestors that
        # it has now are not marked as covered yet.
        moved = held is not None and held.record.parent_span_id != record.parent_span_id
        if moved and (span.covered or record.usage or record.cost):
            yield from _known([record.parent_span_id])


def _metered(records: list[SpanRecord], patches: list[SpanPatch]) -> bool:
    for record in records:
        if record.usage or record.cost:
            return True
    return any(patch.fields.get("usage") or patch.fields.get("cost") for patch in patches)


def _known(parents: Iterable[str | None]) -> Iterator[str]:
    return (parent for parent in parents if parent is not None)
