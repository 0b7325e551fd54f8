"""Counts the attributes of two sets of traces; of large sets, of samples."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from tracer.analysis.differences.numbers import STEP
from tracer.analysis.differences.ranking import Attribute, Counted, Totals
from tracer.extensions import db
from tracer.store.database.session import within
from tracer.store.selections.sides import SECONDS, Matching, Side, read_side, side_rows

WIDE_TRACES: Final = 500
"""Traces of each side of which metadata, errors and scores are counted."""
SPAN_TRACES: Final = 125
"""Traces of each side of which the spans are counted."""
TRACE_SPANS: Final = 1_000
"""Spans of a trace that are counted."""
NUMBERS: Final = ("latency", "spans", "input_tokens", "output_tokens", "cost")

_SIDES: Final = "unnest(CAST(:ids AS text[]), CAST(:sides AS int[])) k (trace_id, side)"
_COUNTS: Final = "count(*) FILTER (WHERE side = 0), count(*) FILTER (WHERE side = 1)"
# Rare values are skipped (fewer than `least` traces), unless there are few traces.
_GROUPED: Final = "GROUP BY 1, 2 HAVING count(*) >= :least ORDER BY count(*) DESC LIMIT 2000"

_NARROW: Final = sa.text(f"""
    SELECT field, value, {_COUNTS}
    FROM {_SIDES} JOIN traces t ON t.project_id = :project_id AND t.trace_id = k.trace_id
    CROSS JOIN LATERAL (
        VALUES ('name', t.name), ('status', t.status), ('env', t.environment),
            ('release', t.release), ('version', t.version), ('user', t.user_id),
            ('has', CASE WHEN t.error_count > 0 THEN 'error' END),
            ('has', CASE WHEN t.warning_count > 0 THEN 'warning' END),
            ('has', CASE WHEN t.session_id IS NOT NULL THEN 'session' END),
            ('has', CASE WHEN t.unpriced_count > 0 THEN 'unpriced' END),
            ('has', CASE WHEN t.flagged_count > 0 THEN 'flag' END)
        UNION ALL SELECT 'tag', unnest(t.tags)
        UNION ALL SELECT 'model', jsonb_object_keys(t.models)
    ) a (field, value)
    WHERE NOT (field = 'has' AND value IS NULL)
    {_GROUPED}
""")  # noqa: S608 - composed of constants; values are bound

_NUMBERS: Final = sa.text(f"""
    SELECT field, floor(ln(value) / ln({STEP}))::int, {_COUNTS}
    FROM {_SIDES} JOIN traces t ON t.project_id = :project_id AND t.trace_id = k.trace_id
    CROSS JOIN LATERAL (
        VALUES ('latency', date_part('epoch', t.end_time - t.start_time)),
            ('spans', t.span_count::float8), ('input_tokens', t.input_tokens::float8),
            ('output_tokens', t.output_tokens::float8), ('cost', t.total_cost::float8)
    ) a (field, value)
    WHERE value > 0
    GROUP BY 1, 2
""")  # noqa: S608 - composed of constants; values are bound

# The type of an error is what stands before the first colon.
_WIDE: Final = sa.text(f"""
    SELECT field, value, {_COUNTS}
    FROM {_SIDES} JOIN trace_payloads p ON p.project_id = :project_id AND p.trace_id = k.trace_id
    CROSS JOIN LATERAL (
        SELECT 'metadata.' || key, value FROM jsonb_each_text(p.metadata)
            WHERE length(value) <= 100 AND left(value, 1) NOT IN ('{{', '[')
        UNION ALL SELECT 'key', jsonb_object_keys(p.metadata)
        UNION ALL SELECT 'kind', jsonb_object_keys(p.kinds)
        UNION ALL SELECT 'error', left(split_part(p.error_message, ':', 1), 60)
            WHERE p.error_message IS NOT NULL
        UNION ALL SELECT 'score.' || s.name, s.string_value FROM scores s
            WHERE s.project_id = :project_id AND s.trace_id = k.trace_id
                AND s.string_value IS NOT NULL AND length(s.string_value) <= 100
        UNION ALL SELECT 'has', 'score' WHERE EXISTS (SELECT FROM scores s
            WHERE s.project_id = :project_id AND s.trace_id = k.trace_id)
    ) a (field, value)
    {_GROUPED}
""")  # noqa: S608 - composed of constants; values are bound

_SPANS: Final = sa.text(f"""
    SELECT field, value, {_COUNTS}
    FROM {_SIDES} CROSS JOIN LATERAL (
        SELECT DISTINCT b.field, b.value FROM (
            -- Many spans of a trace have equal values.
            SELECT DISTINCT tool, failed, provider, prompt, finish FROM (
                SELECT CASE WHEN s.kind IN ('tool', 'function') THEN s.name END AS tool,
                    CASE WHEN s.level = 'error' THEN s.name END AS failed, p.provider,
                    p.prompt_name || coalesce('@' || p.prompt_version, '') AS prompt,
                    CAST(p.finish_reasons AS text) AS finish
                FROM spans s LEFT JOIN span_payload_rows p USING (project_id, trace_id, span_id)
                WHERE s.project_id = :project_id AND s.trace_id = k.trace_id AND NOT s.placeholder
                LIMIT {TRACE_SPANS}
            ) o
        ) r CROSS JOIN LATERAL (
            VALUES ('tool', r.tool), ('failed', r.failed), ('provider', r.provider),
                ('prompt', r.prompt)
            UNION ALL SELECT 'finish', json_array_elements_text(
                CASE WHEN r.finish LIKE '[%' THEN CAST(r.finish AS json) END)
        ) b (field, value)
        WHERE b.value IS NOT NULL
    ) a
    {_GROUPED}
""")  # noqa: S608 - composed of constants; values are bound


@dataclass(frozen=True, slots=True)
class Differences:
    """Two sets of traces, and the counts of attributes in samples of both."""

    selected: Side
    others: Side
    counts: list[tuple[Totals, list[Counted]]]
    """The counts of attributes, beside how many traces they were counted in."""
    numbers: dict[str, dict[int, tuple[int, int]]] = field(default_factory=dict)
    """By field and exponent of `STEP`: how many traces of each side have such a number."""

    @property
    def estimated(self) -> bool:
        """Whether only a part of the traces was counted."""
        return self.selected.share < 1 or self.others.share < 1


def read_differences(project_id: str, selected: Matching, others: Matching) -> Differences:
    """Count the attributes of two selections of traces of a project. Raises TooSlow."""
    sides = read_side(project_id, selected), read_side(project_id, others)
    if not all(side.trace_ids for side in sides):
        return Differences(*sides, [])
    counts = [
        _counted(project_id, query, sides, maximum)
        for query, maximum in ((_NARROW, 0), (_WIDE, WIDE_TRACES), (_SPANS, SPAN_TRACES))
    ]
    return Differences(*sides, counts, _numbers(project_id, sides))


def _counted(
    project_id: str, query: sa.TextClause, sides: tuple[Side, Side], maximum: int
) -> tuple[Totals, list[Counted]]:
    selected, others = (side.some(maximum) if maximum else side.trace_ids for side in sides)
    totals = Totals(len(selected), len(others))
    least = 1 if sum((totals.selected, totals.others)) < 200 else 3
    values = {"project_id": project_id, "least": least, **side_rows(selected, others)}
    with within(SECONDS):
        rows = db.session.execute(query, values).all()
    counted = [Counted(Attribute(row[0], row[1]), row[2], row[3]) for row in rows]
    return totals, [*counted, *_without_key(counted, totals)]


def _without_key(counted: list[Counted], totals: Totals) -> list[Counted]:
    """Return how many traces lack a key of the metadata that some traces have."""
    return [
        Counted(
            Attribute(f"metadata.{count.attribute.value}", None),
            totals.selected - count.selected,
            totals.others - count.others,
        )
        for count in counted
        if count.attribute.field == "key"
    ]


def _numbers(project_id: str, sides: tuple[Side, Side]) -> dict[str, dict[int, tuple[int, int]]]:
    rows = side_rows(*(side.trace_ids for side in sides))
    numbers: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    values: dict[str, Any] = {"project_id": project_id, **rows}
    with within(SECONDS):
        for name, exponent, selected, others in db.session.execute(_NUMBERS, values):
            numbers[name][exponent] = selected, others
    return numbers
