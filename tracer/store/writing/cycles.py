"""Breaks cycles of parents: spans that are their own ancestors are flagged roots until it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from tracer.merging.arrivals import Change
from tracer.merging.spans import Span, flatten, restore_parent
from tracer.store.database.keys import TraceKey
from tracer.store.writing import load

# UNION (not UNION ALL) ends the recursion in a cycle; a span whose cycle was broken still counts
# with the parent id that was sent.
_SENT_PARENT = """
    CASE WHEN 'cycle' = ANY(s.flags) THEN (
        SELECT sent_parent_id FROM span_payloads p WHERE p.project_id = s.project_id
            AND p.trace_id = s.trace_id AND p.span_id = s.span_id
    ) ELSE s.parent_span_id END
"""
_ANCESTORS = f"""
    WITH RECURSIVE up (span_id, parent_id) AS (
        SELECT span_id, {_SENT_PARENT} FROM spans s
        WHERE project_id = %(project_id)s AND trace_id = %(trace_id)s AND span_id = ANY(%(ids)b)
        UNION
        SELECT s.span_id, {_SENT_PARENT}
        FROM up JOIN spans s ON s.project_id = %(project_id)s AND s.trace_id = %(trace_id)s
            AND s.span_id = up.parent_id
    )
    SELECT span_id, parent_id FROM up
"""  # noqa: S608 - composed of constants; values are bound


def find_cycle_members(parents: Mapping[str, str | None]) -> set[str]:
    """Return the ids that are their own ancestors under `parents` (id -> parent id)."""
    seen: set[str] = set()
    cyclic: set[str] = set()
    for first in parents:
        path: dict[str, None] = {}
        current: str | None = first
        while current is not None and current not in seen and current in parents:
            path[current] = None
            seen.add(current)
            current = parents[current]
        if current in path:
            walked = list(path)
            cyclic.update(walked[walked.index(current) :])
    return cyclic


def flatten_within(change: Change) -> None:
    """Break the cycles among the spans of a new trace."""
    for span_id in find_cycle_members(_parents(change.after)):
        change.after[span_id] = flatten(change.after[span_id])


def update_across(connection: psycopg.Connection[Any], key: TraceKey, change: Change) -> None:
    """Break the cycles that the changing spans close, and restore the rest of those they end.

    Both may need stored spans. A cycle can only be closed by a changing span that was already the
    parent of another one, and only ended by one that was part of it, so the stored ancestors are
    read only then, which is rare.
    """
    before, after = _parents(change.before), _parents(change.after)
    ends_cycle = any(_leaves_cycle(change, span_id) for span_id in after)
    stored: dict[str, str | None] = {}
    if ends_cycle or any(
        _may_close(change.before.get(span_id), span) for span_id, span in change.after.items()
    ):
        starts = {*before.values(), *after.values()}.difference(after)
        stored = _stored_parents(connection, key, starts)
    cycle = find_cycle_members(stored | before | after)
    ended = find_cycle_members(stored | before) - cycle if ends_cycle else set()
    if not cycle and not ended:
        return
    _add_stored_members(connection, key, change, cycle, ended)
    for span_id in (cycle | ended) & change.after.keys():
        span = change.after[span_id]
        if _is_flat(span) and span_id in ended:
            change.after[span_id] = restore_parent(span)
        elif not _is_flat(span) and span_id in cycle:
            change.after[span_id] = flatten(span)


def _is_flat(span: Span) -> bool:
    return "cycle" in span.record.flags


def _parents(spans: Mapping[str, Span]) -> dict[str, str | None]:
    return {
        span_id: span.sent_parent_id if _is_flat(span) else span.record.parent_span_id
        for span_id, span in spans.items()
    }


def _may_close(before: Span | None, after: Span) -> bool:
    if before is None or after.record.parent_span_id is None:
        return False
    return before.version is None or before.record.parent_span_id != after.record.parent_span_id


def _leaves_cycle(change: Change, span_id: str) -> bool:
    """Return whether a changing span has another parent than the one by which it was in a cycle."""
    before, after = change.before.get(span_id), change.after[span_id]
    if before is None or not _is_flat(before):
        return False
    return after.record.parent_span_id != before.sent_parent_id


def _stored_parents(
    connection: psycopg.Connection[Any], key: TraceKey, starts: Iterable[str | None]
) -> dict[str, str | None]:
    """Return the sent parents of stored spans and of all their ancestors."""
    ids = [span_id for span_id in starts if span_id is not None]
    values = {"project_id": key[0], "trace_id": key[1], "ids": ids}
    return dict(connection.execute(_ANCESTORS, values).fetchall())


def _add_stored_members(
    connection: psycopg.Connection[Any],
    key: TraceKey,
    change: Change,
    cycle: set[str],
    ended: set[str],
) -> None:
    """Add the stored spans to be flattened or restored to the changing spans."""
    wanted = [(*key, span_id) for span_id in (cycle | ended) - change.after.keys()]
    for span_key, span in load.load_spans(connection, wanted).items():
        span_id = span_key[2]
        if _is_flat(span) != (span_id in cycle):
            load.load_payloads(connection, {span_key: span})
            change.before[span_id] = change.after[span_id] = span
