"""Reads the stored spans whose usage is compared, and the usage of the spans below them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import psycopg

from tracer.merging import repeats
from tracer.merging.repeats import UsageBelow
from tracer.merging.reports import Node, UsageTotal
from tracer.merging.responses import Repeats, repeats_of_responses
from tracer.records import SUMMING

HAS_USAGE: Final = "(s.total_tokens IS NOT NULL OR s.total_cost IS NOT NULL)"
OF_TRACE: Final = "s.project_id = %(project_id)s AND s.trace_id = %(trace_id)s"

_NODE: Final = f"""
    s.span_id, s.parent_span_id, s.kind, s.input_tokens, s.output_tokens, s.total_tokens,
    s.total_cost, CASE WHEN {HAS_USAGE} THEN s.call_id END AS call_id, s.echo, s.covered
"""
_WITH_ANCESTORS: Final = f"""
    WITH RECURSIVE up (span_id, parent_id) AS (
        SELECT s.span_id, s.parent_span_id FROM spans s
        WHERE {OF_TRACE} AND s.span_id = ANY(%(ids)b)
        UNION
        SELECT s.span_id, s.parent_span_id
        FROM up JOIN spans s ON {OF_TRACE} AND s.span_id = up.parent_id
    )
    SELECT {_NODE} FROM up JOIN spans s ON {OF_TRACE} AND s.span_id = up.span_id
"""  # noqa: S608 - composed of constants; values are bound
_OF_RESPONSES: Final = f"""
    SELECT {_NODE}, p.usage FROM spans s JOIN span_payloads p USING (project_id, trace_id, span_id)
    WHERE {OF_TRACE} AND s.call_id = ANY(%(calls)b) AND {HAS_USAGE}
        AND hashtext(s.call_id) = ANY(ARRAY(SELECT hashtext(c) FROM unnest(%(calls)b::text[]) c))
"""  # noqa: S608 - composed of constants; values are bound
# The same rule as `UsageTotal.equals`; o is the span above, s a span below it.
_EQUAL_USAGE: Final = """(CASE
    WHEN o.total_tokens IS NULL
        THEN s.total_tokens IS NULL AND abs(o.total_cost - s.total_cost) <= o.total_cost * 1e-6
    WHEN coalesce(o.input_tokens, 0) + coalesce(o.output_tokens, 0) = 0
        THEN s.total_tokens = o.total_tokens
    ELSE coalesce(s.input_tokens, 0) = coalesce(o.input_tokens, 0)
        AND coalesce(s.output_tokens, 0) = coalesce(o.output_tokens, 0)
END)"""
# A walk down from a node stops at other nodes, as these have walks of their own. It also stops at a
# limit: else each transaction below the root of a huge trace would read the whole trace.
_USAGE_BELOW: Final = f"""
    WITH nodes AS MATERIALIZED (SELECT unnest(%(ids)b::text[]) AS span_id),
    walked AS MATERIALIZED (
        SELECT n.span_id AS node_id, w.span_id, w.parent_id
        FROM nodes n CROSS JOIN LATERAL (
            WITH RECURSIVE down (span_id, parent_id) AS (
                SELECT s.span_id, s.parent_span_id FROM spans s
                WHERE {OF_TRACE} AND s.parent_span_id = n.span_id
                    AND s.span_id NOT IN (SELECT span_id FROM nodes)
                UNION ALL
                SELECT s.span_id, s.parent_span_id
                FROM down JOIN spans s ON {OF_TRACE} AND s.parent_span_id = down.span_id
                WHERE s.span_id NOT IN (SELECT span_id FROM nodes)
            )
            SELECT * FROM down LIMIT %(max_rows)s + 1
        ) w
    )
    SELECT w.node_id, count(*), count(s.span_id) > 0,
        coalesce(sum(s.input_tokens) FILTER (WHERE NOT s.covered), 0)::bigint,
        coalesce(sum(s.output_tokens) FILTER (WHERE NOT s.covered), 0)::bigint,
        coalesce(sum(s.total_tokens) FILTER (WHERE NOT s.covered), 0)::bigint,
        coalesce(sum(s.total_cost) FILTER (WHERE NOT s.covered), 0),
        count(s.total_tokens) FILTER (WHERE NOT s.covered),
        count(s.total_cost) FILTER (WHERE NOT s.covered),
        coalesce(bool_or(w.parent_id = w.node_id AND {_EQUAL_USAGE}
            AND s.kind NOT IN {SUMMING}), false)
    FROM walked w JOIN spans o ON o.project_id = %(project_id)s AND o.trace_id = %(trace_id)s
        AND o.span_id = w.node_id
    LEFT JOIN spans s ON {OF_TRACE} AND s.span_id = w.span_id AND {HAS_USAGE}
    GROUP BY w.node_id
"""  # noqa: S608 - composed of constants; values are bound

# Executed only where the walk has ended at its limit without finding any usage.
_ANY_USAGE_BELOW: Final = f"""
    WITH RECURSIVE down (span_id, has_usage) AS (
        SELECT s.span_id, {HAS_USAGE} FROM spans s
        WHERE {OF_TRACE} AND s.parent_span_id = %(id)s AND s.span_id <> ALL(%(ids)b)
        UNION ALL
        SELECT s.span_id, {HAS_USAGE}
        FROM down JOIN spans s ON {OF_TRACE} AND s.parent_span_id = down.span_id
        WHERE s.span_id <> ALL(%(ids)b)
    )
    SELECT FROM down WHERE has_usage LIMIT 1
"""  # noqa: S608 - composed of constants; values are bound


class LoadedNodes:
    """The stored spans that have been read to compare their usage, with all their ancestors."""

    def __init__(self, cursor: psycopg.Cursor[Any], values: dict[str, Any]) -> None:
        self._cursor = cursor
        self._values = values
        self.nodes: dict[str, Node] = {}
        self.sharing: set[str] = set()
        """Spans that report the same response as another span, or may have done so before."""

    def load_with_ancestors(self, span_ids: Iterable[str]) -> None:
        """Read these spans and all their ancestors."""
        result = self._cursor.execute(_WITH_ANCESTORS, {**self._values, "ids": list(span_ids)})
        self.nodes |= {row[0]: _node(*row) for row in result}

    def find_repeats(self, call_ids: set[str]) -> Repeats:
        """Return the spans that report the same response as another one.

        Covers the responses with these ids, and those of the nodes. Also reads all spans with one
        of the ids, and their ancestors.
        """
        groups: dict[str, list[Node]] = {}
        while missing_ids := (call_ids | self._call_ids()) - groups.keys():
            groups |= {call_id: [] for call_id in missing_ids}
            values = {**self._values, "calls": list(missing_ids)}
            for row in self._cursor.execute(_OF_RESPONSES, values):
                node = _node(*row)
                groups[str(node.call_id)].append(node)
            # An excluded span that is alone with its id may have shared it before.
            self.sharing |= {
                node.span_id
                for call_id in missing_ids
                for node in groups[call_id]
                if len(groups[call_id]) > 1 or node.usage_excluded
            }
            if missing := self.sharing - self.nodes.keys():
                self.load_with_ancestors(missing)
        return repeats_of_responses(groups.values(), self.parents())

    def _call_ids(self) -> set[str]:
        return {node.call_id for node in self.nodes.values() if node.call_id is not None}

    def parents(self) -> dict[str, str | None]:
        """Return the parents of all spans that have been read."""
        return {span_id: node.parent_id for span_id, node in self.nodes.items()}

    def usage_below(self, span_ids: Iterable[str]) -> dict[str, UsageBelow]:
        """Return the usage below each of these spans, down to the next of them.

        Only the first `repeats.MAX_COMPARED_SPANS` spans below one are read, and one more.
        """
        maximum = repeats.MAX_COMPARED_SPANS
        values = {**self._values, "ids": list(span_ids), "max_rows": maximum}
        below = {
            span_id: UsageBelow(UsageTotal(*numbers), has_usage, equal_child, spans)
            for span_id, spans, has_usage, *numbers, equal_child in self._cursor.execute(
                _USAGE_BELOW, values
            )
        }
        for span_id, usage in below.items():
            if usage.spans > maximum and not usage.has_usage:
                row = self._cursor.execute(_ANY_USAGE_BELOW, {**values, "id": span_id}).fetchone()
                usage.has_usage = row is not None
        return below


def _node(
    span_id: str,
    parent_id: str | None,
    kind: str,
    input_tokens: int | None,
    output_tokens: int | None,
    tokens: int | None,
    dollars: Any,
    call_id: str | None,
    secondary_report: bool,
    usage_excluded: bool,
    tokens_by_type: dict[str, int] | None = None,
) -> Node:
    return Node(
        span_id=span_id,
        parent_id=parent_id,
        kind=kind,
        usage=UsageTotal.of(input_tokens, output_tokens, tokens, dollars),
        call_id=call_id,
        secondary_report=secondary_report,
        usage_excluded=usage_excluded,
        tokens_by_type=tokens_by_type or {},
    )
