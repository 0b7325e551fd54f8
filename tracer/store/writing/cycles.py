"""Spans that are their own ancestors: found when the circle closes, and laid flat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from tracer.merging.arrivals import Change
from tracer.merging.spans import Span, flatten
from tracer.store.database.keys import TraceKey
from tracer.store.writing import load

# UNION (not UNION ALL) ends the walk even where the parents run in a circle; a span that was laid
# flat still counts with the parent it was sent with.
_SENT_PARENT = """
    CASE WHEN 'cycle' = ANY(s.flags) THEN (
        SELECT sent_parent_id FROM span_payloads p WHERE p.project_id = s.project_id
            AND p.trace_id = s.trace_id AND p.span_id = s.span_id
    ) ELSE s.parent_span_id END
"""
_ANCESTORS = f"""
    WITH RECURSIVE up (span_id, parent_id) AS (
        SELECT span_id, {_SENT_PARENT} FROM spans s
        WHERE project_id = %(project_id)s AND trace_id = %(trace_id)s AND span_id = ANY(%(ids)s)
        UNION
        SELECT s.span_id, {_SENT_PARENT}
        FROM up JOIN spans s ON s.project_id = %(project_id)s AND s.trace_id = %(trace_id)s
            AND s.span_id = up.parent_id
    )
    SELECT span_id, parent_id FROM up
"""


def members(parents: Mapping[str, str | None]) -> set[str]:
    """Return the ids that are their own ancestors under `parents` (id -> parent id)."""
    seen: set[str] = set()
    found: set[str] = set()
    for first in parents:
        path: dict[str, None] = {}
        at: str | None = first
        while at is not None and at not in seen and at in parents:
            path[at] = None
            seen.add(at)
            at = parents[at]
        if at in path:
            walked = list(path)
            found.update(walked[walked.index(at) :])
    return found


def flatten_within(change: Change) -> None:
    """Lay flat the circles among the spans of a new trace."""
    for span_id in members(_parents(change.after)):
        change.after[span_id] = flatten(change.after[span_id])


def flatten_across(connection: psycopg.Connection[Any], key: TraceKey, change: Change) -> None:
    """Lay flat the circles that the changing spans close with stored ones.

    A circle through stored spans can only close where a changing span was already somebody's
    parent, so only then are the stored ancestors read: usually never.
    """
    parents = _parents(change.before) | _parents(change.after)
    if any(_may_close(change.before.get(span_id), span) for span_id, span in change.after.items()):
        parents = _stored_parents(connection, key, parents, change.after) | parents
    circle = members(parents)
    if not circle:
        return
    _pull_in(connection, key, change, circle)
    for span_id in circle & change.after.keys():
        if "cycle" not in change.after[span_id].record.flags:
            change.after[span_id] = flatten(change.after[span_id])


def _parents(spans: Mapping[str, Span]) -> dict[str, str | None]:
    return {
        span_id: span.sent_parent_id if "cycle" in span.record.flags else span.record.parent_span_id
        for span_id, span in spans.items()
    }


def _may_close(before: Span | None, after: Span) -> bool:
    if before is None or after.record.parent_span_id is None:
        return False
    return before.version is None or before.record.parent_span_id != after.record.parent_span_id


def _stored_parents(
    connection: psycopg.Connection[Any],
    key: TraceKey,
    parents: dict[str, str | None],
    after: Iterable[str],
) -> dict[str, str | None]:
    # An update may name a span alone, so that its parent has not been looked at yet.
    ids = {parent for parent in parents.values() if parent is not None}.difference(after)
    values = {"project_id": key[0], "trace_id": key[1], "ids": list(ids)}
    return dict(connection.execute(_ANCESTORS, values).fetchall())


def _pull_in(
    connection: psycopg.Connection[Any], key: TraceKey, change: Change, circle: set[str]
) -> None:
    """Add the circle's stored spans to those that change."""
    wanted = [(*key, span_id) for span_id in circle - change.after.keys()]
    stored = load.load_spans(connection, wanted)
    for span_key, span in stored.items():
        if "cycle" not in span.record.flags:
            load.load_payloads(connection, {span_key: span})
            change.before[span_key[2]] = change.after[span_key[2]] = span
