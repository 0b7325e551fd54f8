"""Stores a group of batches in one transaction: lock the traces, merge, write the changes.

Every write to a trace happens under the lock of its row, so there are no races: no other
transaction sees an inserted trace, and the spans of a locked trace don't change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from tracer.merging.arrivals import Arrivals, Change
from tracer.merging.claims import PAYLOADS
from tracer.merging.spans import needs_payload
from tracer.merging.traces import Trace
from tracer.pricing.price_book import PriceBook
from tracer.records import Batch, ScoreRecord
from tracer.store.analyses import compute
from tracer.store.database.background_upgrade import OlderServers
from tracer.store.database.keys import TraceKey
from tracer.store.deletion import tombstones
from tracer.store.parts.pack import PACKS_SINCE
from tracer.store.rollups.note_changes import note_changes
from tracer.store.scores import trace_fields
from tracer.store.writing import count_spans, cycles, load, root_span, save, usage_dedup
from tracer.store.writing.price_cache import PriceBooks

Books = dict[str, PriceBook]
"""The price book of each project, by project id."""


def store(
    connection: psycopg.Connection[Any],
    work: Iterable[tuple[str, Batch]],
    prices: PriceBooks | None = None,
    older_servers: OlderServers | None = None,
) -> set[TraceKey]:
    """Store batches of (project_id, batch) in one transaction, and commit.

    `prices` caches the projects' own prices between transactions, `older_servers` whether there are
    servers that can't read packs. Return the deleted traces, whose
    records were not stored. Raises psycopg.Error; then nothing is stored.
    """
    arrivals, scores = _sort(work)
    deleted: set[TraceKey] = set()
    with connection.transaction():
        if arrivals:
            projects = {project_id for project_id, _ in arrivals}
            books = (prices or PriceBooks()).load(connection, projects)
            packing = not (older_servers or OlderServers(PACKS_SINCE)).connected(connection)
            deleted |= _store_traces(connection, arrivals, books, packing=packing)
        if scores:
            deleted |= save.save_scores(connection, scores)
    return deleted


def _sort(
    work: Iterable[tuple[str, Batch]],
) -> tuple[dict[TraceKey, Arrivals], list[tuple[str, ScoreRecord]]]:
    arrivals: dict[TraceKey, Arrivals] = {}
    scores: list[tuple[str, ScoreRecord]] = []

    def arrivals_of(project_id: str, trace_id: str) -> Arrivals:
        group = arrivals.get((project_id, trace_id))
        if group is None:
            group = arrivals[project_id, trace_id] = Arrivals(trace_id)
        return group

    for project_id, batch in work:
        for record in batch.spans:
            arrivals_of(project_id, record.trace_id).add_record(record)
        for patch in batch.patches:
            arrivals_of(project_id, patch.trace_id).add_patch(patch)
        for claim in batch.traces:
            arrivals_of(project_id, claim.trace_id).claims.append(claim)
        scores += [(project_id, score) for score in batch.scores]
    return arrivals, scores


def _store_traces(
    connection: psycopg.Connection[Any],
    arrivals: dict[TraceKey, Arrivals],
    books: Books,
    *,
    packing: bool,
) -> set[TraceKey]:
    locked: dict[TraceKey, Trace] = {}
    inserted: dict[TraceKey, Change] = {}
    # A second round only if another transaction inserts or deletes a trace between the statements.
    while missing := [key for key in sorted(arrivals) if key not in locked and key not in inserted]:
        locked |= load.lock_traces(connection, missing)
        new = {key: arrivals[key] for key in missing if key not in locked}
        inserted |= _insert_new(connection, new, books)
    deleted = _remove_deleted(connection, inserted)
    updated = _change_stored(connection, {key: arrivals[key] for key in locked}, locked, books)
    save.save_spans(connection, inserted | updated, updated.keys(), packing=packing)
    for key, change in updated.items():
        usage_dedup.mark_stored_ancestors(connection, key, change)
        usage_dedup.decide_stored(connection, key, change)
    root_span.from_database(connection, updated)
    save.update_traces(connection, updated)
    trace_fields.note_changes(connection, updated)
    contribution_changes = (
        (key[0], change.contribution_before, change.contribution)
        for key, change in (inserted | updated).items()
    )
    save.save_sessions(connection, contribution_changes)
    count_spans.count(connection, inserted | updated)
    note_changes(connection, inserted | updated)
    sizes = (
        (key, change.trace.totals.counts["span_count"])
        for key, change in (inserted | updated).items()
    )
    compute.note_changes(connection, sizes)
    return deleted


def _remove_deleted(
    connection: psycopg.Connection[Any], inserted: dict[TraceKey, Change]
) -> set[TraceKey]:
    """Remove the inserted traces that were deleted within the last day, and return their keys.

    Checked after the insert: a delete locks the trace's row first, so that from here on no other
    transaction can delete these traces.
    """
    deleted = tombstones.deleted_traces(connection, inserted)
    if deleted:
        save.remove_traces(connection, deleted)
    for key in deleted:
        del inserted[key]
    return deleted


def _insert_new(
    connection: psycopg.Connection[Any], arrivals: dict[TraceKey, Arrivals], books: Books
) -> dict[TraceKey, Change]:
    changes = {}
    for key, arrived in arrivals.items():
        change = Change.of(Trace.new(), arrived, None, books[key[0]])
        cycles.flatten_within(change)
        usage_dedup.mark_ancestors(change)
        usage_dedup.decide_new(change)
        change.count()
        root_span.from_spans(change.trace, change.after.values())
        changes[key] = change
    inserted = save.insert_traces(connection, changes)
    return {key: changes[key] for key in inserted}


def _change_stored(
    connection: psycopg.Connection[Any],
    arrivals: dict[TraceKey, Arrivals],
    locked: dict[TraceKey, Trace],
    books: Books,
) -> dict[TraceKey, Change]:
    if not arrivals:
        return {}
    changing = {
        key: locked[key]
        for key, arrived in arrivals.items()
        if locked[key].claims.contested()
        or any(not claim.fields.keys().isdisjoint(PAYLOADS) for claim in arrived.claims)
    }
    load.load_sent_payloads(connection, changing)
    keys = [(*key, span_id) for key, arrived in arrivals.items() for span_id in arrived.span_ids()]
    stored = load.load_spans(connection, keys)
    incomplete = {
        key: span
        for key, span in stored.items()
        if needs_payload(span, *arrivals[key[:2]].of(key[2]))
    }
    load.load_payloads(connection, incomplete)
    changes = {}
    for key, arrived in arrivals.items():
        before = {
            span_id: stored[(*key, span_id)]
            for span_id in arrived.span_ids()
            if (*key, span_id) in stored
        }
        change = Change.of(locked[key], arrived, before, books[key[0]])
        cycles.update_across(connection, key, change)
        usage_dedup.mark_ancestors(change)
        changes[key] = change
    usage_dedup.find_shared_responses(connection, changes)
    for change in changes.values():
        change.count()
    return changes
