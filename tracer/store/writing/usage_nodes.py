"""The stored spans whose usage is compared with that of others, and what lies around them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import psycopg

from tracer.merging import repeats
from tracer.merging.repeats import Node, Region, Use, uncounted_repeats

METERED: Final = "(s.total_tokens IS NOT NULL OR s.total_cost IS NOT NULL)"
OF_TRACE: Final = "s.project_id = %(project_id)s AND s.trace_id = %(trace_id)s"

_NODE: Final = f"""
    s.span_id, s.parent_span_id, s.kind, s.input_tokens, s.output_tokens, s.total_tokens,
    s.total_cost, CASE WHEN {METERED} THEN s.call_id END AS call_id, s.echo, s.covered
"""
_ABOVE: Final = f"""
    WITH RECURSIVE up (span_id, parent_id) AS (
        SELECT s.span_id, s.parent_span_id FROM spans s
        WHERE {OF_TRACE} AND s.span_id = ANY(%(ids)b)
        UNION
        SELECT s.span_id, s.parent_span_id
        FROM up JOIN spans s ON {OF_TRACE} AND s.span_id = up.parent_id
    )
    SELECT {_NODE} FROM up JOIN spans s ON {OF_TRACE} AND s.span_id = up.span_id
"""  # noqa: S608 - composed of constants; values are bound
_CALLS: Final = f"""
    SELECT {_NODE} FROM spans s
    WHERE {OF_TRACE} AND s.call_id = ANY(%(calls)b) AND {METERED}
"""  # noqa: S608 - composed of constants; values are bound
# As `Use.equals` has it; o is the span whose region it is.
_SAME: Final = """(CASE
    WHEN o.total_tokens IS NULL
        THEN s.total_tokens IS NULL AND abs(o.total_cost - s.total_cost) <= o.total_cost * 1e-6
    WHEN coalesce(o.input_tokens, 0) + coalesce(o.output_tokens, 0) = 0
        THEN s.total_tokens = o.total_tokens
    ELSE coalesce(s.input_tokens, 0) = coalesce(o.input_tokens, 0)
        AND coalesce(s.output_tokens, 0) = coalesce(o.output_tokens, 0)
END)"""
# What lies below another span that is looked at is that one's own region. Each walk ends at a
# limit: else each transaction below the root of a huge trace would read the whole trace.
_REGIONS: Final = f"""
    WITH looked AS MATERIALIZED (SELECT unnest(%(ids)b::text[]) AS span_id),
    walked AS MATERIALIZED (
        SELECT n.span_id AS region, w.span_id, w.parent_id
        FROM looked n CROSS JOIN LATERAL (
            WITH RECURSIVE down (span_id, parent_id) AS (
                SELECT s.span_id, s.parent_span_id FROM spans s
                WHERE {OF_TRACE} AND s.parent_span_id = n.span_id
                    AND s.span_id NOT IN (SELECT span_id FROM looked)
                UNION ALL
                SELECT s.span_id, s.parent_span_id
                FROM down JOIN spans s ON {OF_TRACE} AND s.parent_span_id = down.span_id
                WHERE s.span_id NOT IN (SELECT span_id FROM looked)
            )
            SELECT * FROM down LIMIT %(most)s + 1
        ) w
    )
    SELECT w.region, count(*), count(s.span_id) > 0,
        coalesce(sum(s.input_tokens) FILTER (WHERE NOT s.covered), 0)::bigint,
        coalesce(sum(s.output_tokens) FILTER (WHERE NOT s.covered), 0)::bigint,
        coalesce(sum(s.total_tokens) FILTER (WHERE NOT s.covered), 0)::bigint,
        coalesce(sum(s.total_cost) FILTER (WHERE NOT s.covered), 0),
        count(s.total_tokens) FILTER (WHERE NOT s.covered),
        count(s.total_cost) FILTER (WHERE NOT s.covered),
        coalesce(bool_or(w.parent_id = w.region AND {_SAME}
            AND s.kind NOT IN ('agent', 'chain')), false)
    FROM walked w JOIN spans o ON o.project_id = %(project_id)s AND o.trace_id = %(trace_id)s
        AND o.span_id = w.region
    LEFT JOIN spans s ON {OF_TRACE} AND s.span_id = w.span_id AND {METERED}
    GROUP BY w.region
"""  # noqa: S608 - composed of constants; values are bound

# Read only where the walk has ended at its limit without having met any usage.
_HAS_USAGE: Final = f"""
    WITH RECURSIVE down (span_id, metered) AS (
        SELECT s.span_id, {METERED} FROM spans s
        WHERE {OF_TRACE} AND s.parent_span_id = %(id)s AND s.span_id <> ALL(%(ids)b)
        UNION ALL
        SELECT s.span_id, {METERED}
        FROM down JOIN spans s ON {OF_TRACE} AND s.parent_span_id = down.span_id
        WHERE s.span_id <> ALL(%(ids)b)
    )
    SELECT FROM down WHERE metered LIMIT 1
"""  # noqa: S608 - composed of constants; values are bound


class Around:
    """The stored spans whose numbers are compared, and what is above them."""

    def __init__(self, cursor: psycopg.Cursor[Any], values: dict[str, Any]) -> None:
        self._cursor = cursor
        self._values = values
        self.nodes: dict[str, Node] = {}
        self.members: set[str] = set()
        """Spans that report an answer which others report too, or did so before."""

    def load_above(self, span_ids: Iterable[str]) -> None:
        """Read these spans and all above them."""
        result = self._cursor.execute(_ABOVE, {**self._values, "ids": list(span_ids)})
        self.nodes |= {row[0]: _node(*row) for row in result}

    def find_twins(self, calls: set[str]) -> set[str]:
        """Return which of the spans with these ids of answers, and those at hand, don't count.

        All spans with one of these ids, and what is above them, is at hand then.
        """
        groups: dict[str, list[Node]] = {}
        while wanted := (calls | self._calls()) - groups.keys():
            groups |= {call: [] for call in wanted}
            for row in self._cursor.execute(_CALLS, {**self._values, "calls": list(wanted)}):
                node = _node(*row)
                groups[str(node.call_id)].append(node)
            # One that is alone with its id may not have been so before.
            self.members |= {
                node.span_id
                for call in wanted
                for node in groups[call]
                if len(groups[call]) > 1 or node.covered
            }
            if missing := self.members - self.nodes.keys():
                self.load_above(missing)
        parents, shared = self.parents(), [g for g in groups.values() if len(g) > 1]
        return {span_id for members in shared for span_id in uncounted_repeats(members, parents)}

    def _calls(self) -> set[str]:
        return {node.call_id for node in self.nodes.values() if node.call_id is not None}

    def parents(self) -> dict[str, str | None]:
        """Return the parents of all spans at hand."""
        return {span_id: node.parent_id for span_id, node in self.nodes.items()}

    def regions(self, nodes: Iterable[str]) -> dict[str, Region]:
        """Return what lies below each of these spans, up to the next of them.

        Of more than `repeats.MOST_BELOW` spans the region has not all.
        """
        values = {**self._values, "ids": list(nodes), "most": repeats.MOST_BELOW}
        regions = {
            region: Region(Use(*numbers), metered, copied, spans)
            for region, spans, metered, *numbers, copied in self._cursor.execute(_REGIONS, values)
        }
        for span_id, region in regions.items():
            if region.spans > repeats.MOST_BELOW and not region.metered:
                row = self._cursor.execute(_HAS_USAGE, {**values, "id": span_id}).fetchone()
                region.metered = row is not None
        return regions


def _node(
    span_id: str,
    parent_id: str | None,
    kind: str,
    input_tokens: int | None,
    output_tokens: int | None,
    tokens: int | None,
    dollars: Any,
    call_id: str | None,
    echo: bool,
    covered: bool,
) -> Node:
    return Node(
        span_id=span_id,
        parent_id=parent_id,
        kind=kind,
        own=Use.of(input_tokens, output_tokens, tokens, dollars),
        call_id=call_id,
        echo=echo,
        covered=covered,
    )
