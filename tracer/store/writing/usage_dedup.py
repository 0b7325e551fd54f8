"""Usage de-duplication: keeps `Span.usage_excluded` correct while spans arrive in any order.

`merging.repeats` has the rules. Two steps apply them:

1. Marking (`mark_ancestors`). Of the spans above a span with usage, those without usage of their
   own and those that report sums are marked (column `covered`: for the former, that a span below
   has usage). A walk upwards ends at the next span that has usage or is marked, so that each span
   is visited about once. Placeholders are marked too, so that a parent that arrives later is
   marked as well.
2. Comparing (`decide_new`, `find_shared_responses`, `decide_stored`). Most traces don't need it:
   their spans with usage have no usage below them, or are agents and chains that report the sum. A
   trace is compared (`derived.compared`) from the time on when another kind of span is above a span
   with usage, or two spans report one response.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row, tuple_row

from tracer.merging import repeats, reports
from tracer.merging.arrivals import Change
from tracer.merging.reports import Node
from tracer.merging.spans import Span
from tracer.records import SUMMING
from tracer.store.database.keys import TraceKey, columns_of
from tracer.store.writing import load
from tracer.store.writing.usage_nodes import HAS_USAGE, OF_TRACE, LoadedNodes

_IS_REPORTED_SUM: Final = f"(s.echo AND s.kind IN {SUMMING})"

_MARK_ANCESTORS: Final = f"""
    WITH RECURSIVE up (span_id, parent_id, has_usage) AS (
        SELECT s.span_id, s.parent_span_id, {HAS_USAGE} FROM spans s
        WHERE {OF_TRACE} AND s.span_id = ANY(%(ids)b) AND (NOT s.covered OR {HAS_USAGE})
        UNION
        SELECT s.span_id, s.parent_span_id, {HAS_USAGE}
        FROM up JOIN spans s ON {OF_TRACE} AND s.span_id = up.parent_id
            AND (NOT s.covered OR {HAS_USAGE})
        WHERE NOT up.has_usage
    ), marked AS (
        UPDATE spans s SET covered = true FROM up
        WHERE {OF_TRACE} AND s.span_id = up.span_id AND NOT s.covered
            AND (NOT up.has_usage OR {_IS_REPORTED_SUM})
    )
    SELECT s.*, {_IS_REPORTED_SUM} AS is_reported_sum, {load.SPAN_PAYLOAD_COLUMNS}
    FROM up JOIN spans s ON {OF_TRACE} AND s.span_id = up.span_id
    JOIN span_payloads p ON p.project_id = s.project_id AND p.trace_id = s.trace_id
        AND p.span_id = s.span_id
    WHERE up.has_usage
"""  # noqa: S608 - composed of constants; values are bound

_TOGGLE: Final = f"""
    WITH toggled AS (
        UPDATE spans s SET covered = NOT covered
        WHERE {OF_TRACE} AND s.span_id = ANY(%(ids)b) RETURNING s.*
    )
    SELECT t.*, {load.SPAN_PAYLOAD_COLUMNS} FROM toggled t
    JOIN span_payloads p USING (project_id, trace_id, span_id)
    WHERE p.usage IS NOT NULL OR p.cost IS NOT NULL
"""  # noqa: S608 - composed of constants; values are bound


_OF_RESPONSES: Final = f"""
    SELECT k.project_id, k.trace_id, s.span_id, s.call_id
    FROM unnest(%b::text[], %b::text[], %b::text[]) k (project_id, trace_id, call_id)
    JOIN spans s USING (project_id, trace_id, call_id)
    WHERE {HAS_USAGE} AND hashtext(s.call_id) = hashtext(k.call_id)
"""  # noqa: S608 - composed of constants; values are bound


def mark_ancestors(change: Change) -> None:
    """Mark those of the changing spans that are above spans with usage.

    Adds to `change.ancestors_to_mark` the stored spans where `mark_stored_ancestors` goes on, and
    to `change.marks_to_check` the spans that may no longer be above a span with usage.
    """
    for start in _parents_to_mark(change):
        ancestor_id: str | None = start
        while ancestor_id is not None:
            span = change.after.get(ancestor_id)
            if span is None:
                _mark_unchanged(change, ancestor_id)
                break
            was_marked, span.usage_excluded = span.usage_excluded, True
            if was_marked or reports.has_usage(span.record):
                break
            ancestor_id = span.record.parent_span_id
    derived = change.trace.derived
    if not derived.compared:
        spans = change.after.values()
        derived.compared = any(
            span.usage_excluded and reports.must_be_compared(span.record) for span in spans
        )


def _mark_unchanged(change: Change, span_id: str) -> None:
    """Record how to treat a span that does not change and is above a span with usage."""
    before = change.before.get(span_id)
    if before is not None and reports.must_be_compared(before.record):
        # Its ancestors were marked when it got its usage.
        change.trace.derived.compared = True
    elif before is None or not before.usage_excluded:
        change.ancestors_to_mark.add(span_id)


def _parents_to_mark(change: Change) -> Iterator[str]:
    """Yield the parents that must be marked, with their ancestors, because of a changing span."""
    for span_id, span in change.after.items():
        before, parent = change.before.get(span_id), span.record.parent_span_id
        if before is not None and (
            _takes_usage_away(before, span) or _leaves_large_subtree(change, before, span)
        ):
            change.marks_to_check |= {span_id, before.record.parent_span_id or span_id}
        has_usage_or_below = reports.has_usage(span.record) or span.usage_excluded
        if has_usage_or_below and parent is not None and _has_unmarked_ancestors(before, span):
            yield parent


def _has_unmarked_ancestors(before: Span | None, span: Span) -> bool:
    """Return whether the ancestors of a span have not been marked for its usage yet."""
    if before is None or before.record.parent_span_id != span.record.parent_span_id:
        return True
    return reports.has_usage(span.record) and not reports.has_usage(before.record)


def _takes_usage_away(before: Span, span: Span) -> bool:
    """Return whether the former ancestors of a span may have no usage below them any more."""
    old, new = before.record, span.record
    if old.parent_span_id is not None and old.parent_span_id != new.parent_span_id:
        return before.usage_excluded or reports.has_usage(old)
    return reports.has_usage(old) and not reports.has_usage(new)


def _leaves_large_subtree(change: Change, before: Span, span: Span) -> bool:
    """Return whether a span gets another parent, in a trace with too many spans to compare."""
    moved = before.record.parent_span_id != span.record.parent_span_id
    return moved and _exceeds_comparison_limit(change)


def _exceeds_comparison_limit(change: Change) -> bool:
    """Return whether a span may have more spans below it than are compared.

    Then also spans without usage matter: one more or less can pass the limit.
    """
    spans = change.trace.totals.counts["span_count"] + len(change.after)
    return change.trace.derived.compared and spans > repeats.MAX_COMPARED_SPANS


def decide_new(change: Change) -> None:
    """Decide which usage is excluded in a new trace, all of whose spans are in `change`."""
    keys = [reports.call_key(span.record) for span in change.after.values()]
    call_ids = [call_id for call_id in keys if call_id is not None]
    derived = change.trace.derived
    derived.compared |= len(call_ids) > len(set(call_ids))
    if derived.compared:
        nodes = {span_id: reports.node_of(span) for span_id, span in change.after.items()}
        for span_id, excluded in repeats.decide_excluded_in_trace(nodes).items():
            change.after[span_id].usage_excluded = excluded


def find_shared_responses(
    connection: psycopg.Connection[Any], changes: dict[TraceKey, Change]
) -> None:
    """Set `compared` of the traces in which a changing span shares its response with another."""
    responses: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for key, change in changes.items():
        for span_id, span in change.after.items() if not change.trace.derived.compared else ():
            if call_id := reports.call_key(span.record):
                responses[(*key, call_id)].add(span_id)
    if not responses:
        return
    with connection.cursor(row_factory=tuple_row) as cursor:
        for project_id, trace_id, span_id, call_id in cursor.execute(
            _OF_RESPONSES, columns_of(sorted(responses), 3)
        ):
            # The rows of changing spans are outdated: their new states were added above.
            if span_id not in changes[project_id, trace_id].after:
                responses[project_id, trace_id, call_id].add(span_id)
    for (project_id, trace_id, _), span_ids in responses.items():
        if len(span_ids) > 1:
            changes[project_id, trace_id].trace.derived.compared = True


def mark_stored_ancestors(
    connection: psycopg.Connection[Any], key: TraceKey, change: Change
) -> None:
    """Mark the stored spans in `change.ancestors_to_mark`, and their ancestors."""
    if not change.ancestors_to_mark:
        return
    values = {"project_id": key[0], "trace_id": key[1], "ids": list(change.ancestors_to_mark)}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_MARK_ANCESTORS, values).fetchall():
            if not row["is_reported_sum"]:
                change.trace.derived.compared = True
            elif not row["covered"]:
                # The row shows the state before this statement, which has excluded its usage.
                _apply_to_totals(change, row, excluded=True)


def decide_stored(connection: psycopg.Connection[Any], key: TraceKey, change: Change) -> None:
    """Decide which usage is excluded at and around the changing spans of a stored trace."""
    changed = {
        span_id for span_id, span in change.after.items() if _may_change_decisions(change, span)
    }
    starts = changed | change.marks_to_check
    if not (change.trace.derived.compared or change.marks_to_check) or not starts:
        return
    values = {"project_id": key[0], "trace_id": key[1]}
    with connection.cursor(row_factory=tuple_row) as cursor:
        loaded = LoadedNodes(cursor, values)
        loaded.load_with_ancestors(starts)
        same_response = loaded.find_repeats(_previous_call_ids(change, changed))
        nodes = _nodes_to_decide(change, loaded)
        below = loaded.usage_below(nodes)
    decisions = repeats.decide_excluded(nodes, below, loaded.parents(), same_response)
    toggled = [
        span_id
        for span_id, excluded in decisions.items()
        if excluded != nodes[span_id].usage_excluded
    ]
    if toggled:
        with connection.cursor(row_factory=dict_row) as cursor:
            for row in cursor.execute(_TOGGLE, {**values, "ids": toggled}).fetchall():
                _apply_to_totals(change, row, excluded=row["covered"])


def _nodes_to_decide(change: Change, loaded: LoadedNodes) -> dict[str, Node]:
    """Return the loaded spans whose decision may have changed."""
    # A new span without arriving children has no spans below it.
    leaves = change.after.keys() - change.before.keys() - change.parents - loaded.sharing
    return {
        span_id: node
        for span_id, node in loaded.nodes.items()
        # Marks of spans without usage can only change where one may have to be removed.
        if span_id not in leaves and (node.usage or change.marks_to_check)
    }


def _may_change_decisions(change: Change, span: Span) -> bool:
    """Return whether a changing span may change which usage is excluded."""
    before = change.before.get(span.record.span_id)
    if reports.has_usage(span.record) or (before and reports.has_usage(before.record)):
        return True
    moved = before is not None and before.record.parent_span_id != span.record.parent_span_id
    if before is None or moved:
        return (span.usage_excluded and moved) or _exceeds_comparison_limit(change)
    return False


def _previous_call_ids(change: Change, changed: Iterable[str]) -> set[str]:
    """Return the ids of the responses that changing spans reported before."""
    before = (change.before.get(span_id) for span_id in changed)
    return {call_id for span in before if span and (call_id := reports.call_key(span.record))}


def _apply_to_totals(change: Change, row: dict[str, Any], *, excluded: bool) -> None:
    """Remove a stored span's usage from the totals of its trace, or add it again."""
    span = load.read_span(row)
    span.usage_excluded = excluded
    change.trace.totals.add(span)
    span.usage_excluded = not excluded
    change.trace.totals.add(span, -1)
    span.usage_excluded = excluded
    change.recounted.append(span)
