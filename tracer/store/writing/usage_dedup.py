"""Whose usage counts, kept true while spans come in any order: `merging.repeats` has the rules.

A span above a metered one is marked as covered. Marks run up from a metered span until they meet
another metered or marked one: each span is marked once, so in the long run this costs one step
per span. Placeholders are marked too, and so lead on to a parent that arrives later.

Most traces need no more: their metered spans have nothing metered below, or are agents and chains
that sum it up. Only where another kind of span stands above a metered one, or two spans report
one answer, their numbers are compared, and then after each change above and around it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row, tuple_row

from tracer.merging import repeats
from tracer.merging.arrivals import Change
from tracer.merging.repeats import Node
from tracer.merging.spans import Span
from tracer.store.database.keys import TraceKey, columns_of
from tracer.store.writing import load
from tracer.store.writing.usage_nodes import METERED, OF_TRACE, Around

_SUMS: Final = "(s.echo AND s.kind IN ('agent', 'chain'))"

_MARK: Final = f"""
    WITH RECURSIVE up (span_id, parent_id, metered) AS (
        SELECT s.span_id, s.parent_span_id, {METERED} FROM spans s
        WHERE {OF_TRACE} AND s.span_id = ANY(%(ids)b) AND (NOT s.covered OR {METERED})
        UNION
        SELECT s.span_id, s.parent_span_id, {METERED}
        FROM up JOIN spans s ON {OF_TRACE} AND s.span_id = up.parent_id
            AND (NOT s.covered OR {METERED})
        WHERE NOT up.metered
    ), marked AS (
        UPDATE spans s SET covered = true FROM up
        WHERE {OF_TRACE} AND s.span_id = up.span_id AND NOT s.covered
            AND (NOT up.metered OR {_SUMS})
    )
    SELECT s.*, {_SUMS} AS sums, {load.SPAN_PAYLOAD_COLUMNS}
    FROM up JOIN spans s ON {OF_TRACE} AND s.span_id = up.span_id
    JOIN span_payloads p ON p.project_id = s.project_id AND p.trace_id = s.trace_id
        AND p.span_id = s.span_id
    WHERE up.metered
"""  # noqa: S608 - composed of constants; values are bound

_FLIP: Final = f"""
    WITH flipped AS (
        UPDATE spans s SET covered = NOT covered
        WHERE {OF_TRACE} AND s.span_id = ANY(%(ids)b) RETURNING s.*
    )
    SELECT f.*, {load.SPAN_PAYLOAD_COLUMNS} FROM flipped f
    JOIN span_payloads p USING (project_id, trace_id, span_id)
    WHERE p.usage IS NOT NULL OR p.cost IS NOT NULL
"""  # noqa: S608 - composed of constants; values are bound


_TWINS: Final = f"""
    SELECT k.project_id, k.trace_id, s.span_id, s.call_id
    FROM unnest(%b::text[], %b::text[], %b::text[]) k (project_id, trace_id, call_id)
    JOIN spans s USING (project_id, trace_id, call_id)
    WHERE {METERED}
"""  # noqa: S608 - composed of constants; values are bound


def mark(change: Change) -> None:
    """Mark the changing spans above metered ones.

    The stored spans to go on from are left in `change.covering`, those that may have lost what
    they were marked for in `change.loosened`.
    """
    for start in _starts(change):
        upper_id: str | None = start
        while upper_id is not None:
            span = change.after.get(upper_id)
            if span is None:
                _mark_before(change, upper_id)
                break
            was, span.covered = span.covered, True
            if was or repeats.is_metered(span.record):
                break
            upper_id = span.record.parent_span_id
    derived = change.trace.derived
    if not derived.compared:
        spans = change.after.values()
        derived.compared = any(span.covered and repeats.may_repeat(span.record) for span in spans)


def _mark_before(change: Change, span_id: str) -> None:
    """Note what becomes of a span above a metered one that does not change itself."""
    before = change.before.get(span_id)
    if before is not None and repeats.may_repeat(before.record):
        # What is above it was marked for it.
        change.trace.derived.compared = True
    elif before is None or not before.covered:
        change.covering.add(span_id)


def _starts(change: Change) -> Iterator[str]:
    """Yield the parents above which everything is to be marked."""
    for span_id, span in change.after.items():
        before, parent = change.before.get(span_id), span.record.parent_span_id
        metered = repeats.is_metered(span.record)
        if before is not None and (_loosens(before, span) or _thins(change, before, span)):
            change.loosened |= {span_id, before.record.parent_span_id or span_id}
        marks = metered or span.covered
        if marks and parent is not None and (before is None or _is_new(before, span)):
            yield parent


def _is_new(before: Span, span: Span) -> bool:
    """Return whether what is above a span has not been marked for it yet."""
    moved = before.record.parent_span_id != span.record.parent_span_id
    return moved or (repeats.is_metered(span.record) and not repeats.is_metered(before.record))


def _loosens(before: Span, span: Span) -> bool:
    """Return whether the spans above one may no longer stand above a metered one."""
    was, now = before.record, span.record
    if was.parent_span_id is not None and was.parent_span_id != now.parent_span_id:
        return before.covered or repeats.is_metered(was)
    return repeats.is_metered(was) and not repeats.is_metered(now)


def _thins(change: Change, before: Span, span: Span) -> bool:
    """Return whether a span moves away from spans that had too many below to be compared."""
    return _is_crowded(change) and before.record.parent_span_id != span.record.parent_span_id


def _is_crowded(change: Change) -> bool:
    """Return whether a span may have more below than are compared, so that any span matters."""
    spans = change.trace.totals.counts["span_count"] + len(change.after)
    return change.trace.derived.compared and spans > repeats.MOST_BELOW


def settle_new(change: Change) -> None:
    """Decide whose usage counts in a new trace, all of whose spans are at hand."""
    calls = [repeats.call_key(span.record) for span in change.after.values()]
    known_calls = [call for call in calls if call is not None]
    derived = change.trace.derived
    derived.compared |= len(known_calls) > len(set(known_calls))
    if derived.compared:
        nodes = {span_id: repeats.node_of(span) for span_id, span in change.after.items()}
        for span_id, covered in repeats.decide_all(nodes).items():
            change.after[span_id].covered = covered


def find_twins(connection: psycopg.Connection[Any], changes: dict[TraceKey, Change]) -> None:
    """Find the traces in which a changing span reports an answer that another one reports too."""
    calls: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for key, change in changes.items():
        for span_id, span in change.after.items() if not change.trace.derived.compared else ():
            if call := repeats.call_key(span.record):
                calls[(*key, call)].add(span_id)
    if not calls:
        return
    with connection.cursor(row_factory=tuple_row) as cursor:
        for project_id, trace_id, span_id, call in cursor.execute(
            _TWINS, columns_of(sorted(calls), 3)
        ):
            # A changing span is stored as it was: what it is now was counted above.
            if span_id not in changes[project_id, trace_id].after:
                calls[project_id, trace_id, call].add(span_id)
    for (project_id, trace_id, _), span_ids in calls.items():
        if len(span_ids) > 1:
            changes[project_id, trace_id].trace.derived.compared = True


def mark_stored(connection: psycopg.Connection[Any], key: TraceKey, change: Change) -> None:
    """Mark the stored spans that `mark` ended at, and what is above them."""
    if not change.covering:
        return
    values = {"project_id": key[0], "trace_id": key[1], "ids": list(change.covering)}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_MARK, values).fetchall():
            if not row["sums"]:
                change.trace.derived.compared = True
            elif not row["covered"]:
                # The row is from before the mark, by which its usage no longer counts.
                _recount(change, row, covered=True)


def settle_stored(connection: psycopg.Connection[Any], key: TraceKey, change: Change) -> None:
    """Decide whose usage counts around the changing spans of a stored trace."""
    changed = {span_id for span_id, span in change.after.items() if _matters(change, span)}
    if not (change.trace.derived.compared or change.loosened) or not (changed | change.loosened):
        return
    values = {"project_id": key[0], "trace_id": key[1]}
    with connection.cursor(row_factory=tuple_row) as cursor:
        around = Around(cursor, values)
        around.load_above(changed | change.loosened)
        twins = around.find_twins(_old_calls(change, changed))
        nodes = _compared(change, around)
        regions = around.regions(nodes)
    covered = repeats.decide(nodes, regions, around.parents(), twins)
    flipped = [span_id for span_id, now in covered.items() if now != nodes[span_id].covered]
    if flipped:
        with connection.cursor(row_factory=dict_row) as cursor:
            for row in cursor.execute(_FLIP, {**values, "ids": flipped}).fetchall():
                _recount(change, row, covered=row["covered"])


def _compared(change: Change, around: Around) -> dict[str, Node]:
    """Return those of the spans at hand of which it may have changed whether they are covered."""
    # Of what has just come nothing is below but what came with it.
    leaves = change.after.keys() - change.before.keys() - change.parents - around.members
    return {
        span_id: node
        for span_id, node in around.nodes.items()
        # Marks of spans without usage only have to be looked at where one may have to go.
        if span_id not in leaves and (node.own or change.loosened)
    }


def _matters(change: Change, span: Span) -> bool:
    """Return whether a changing span may change whose usage counts."""
    before = change.before.get(span.record.span_id)
    if repeats.is_metered(span.record) or (before and repeats.is_metered(before.record)):
        return True
    moved = before is not None and before.record.parent_span_id != span.record.parent_span_id
    if before is None or moved:
        # By one span more or less, the number below a span may pass the limit.
        return (span.covered and moved) or _is_crowded(change)
    return False


def _old_calls(change: Change, changed: Iterable[str]) -> set[str]:
    """Return the ids of answers that changing spans reported before."""
    before = (change.before.get(span_id) for span_id in changed)
    return {call for span in before if span and (call := repeats.call_key(span.record))}


def _recount(change: Change, row: dict[str, Any], *, covered: bool) -> None:
    """Take a stored span's usage out of the sums of its trace, or put it back."""
    span = load.read_span(row)
    span.covered = covered
    change.trace.totals.add(span)
    span.covered = not covered
    change.trace.totals.add(span, -1)
    span.covered = covered
    change.recounted.append(span)
