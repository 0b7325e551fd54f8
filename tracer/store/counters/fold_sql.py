"""SQL on the counters of attribute mapping: compaction, and subtraction of deleted traces."""

from __future__ import annotations

EXAMPLES = 5
"""Number of spans kept as examples per counter."""

# Rows that other transactions add meanwhile are invisible here; the next compaction adds them.
COMPACT = f"""
    WITH gone AS (
        DELETE FROM mapping_counts t USING (
            SELECT project_id, measure, value FROM mapping_counts
            GROUP BY 1, 2, 3 HAVING count(*) > 1
        ) many
        WHERE t.project_id = many.project_id AND t.measure = many.measure AND t.value = many.value
        RETURNING t.*
    )
    INSERT INTO mapping_counts (project_id, measure, value, number, examples, counted_at)
    SELECT g.project_id, g.measure, g.value, sum(g.number), (
        SELECT coalesce(jsonb_agg(e.example ORDER BY e.counted_at DESC), '[]') FROM (
            SELECT example, h.counted_at FROM gone h, jsonb_array_elements(h.examples) example
            WHERE h.project_id = g.project_id AND h.measure = g.measure AND h.value = g.value
            ORDER BY h.counted_at DESC LIMIT {EXAMPLES}
        ) e
    ), max(g.counted_at)
    FROM gone g GROUP BY g.project_id, g.measure, g.value
"""  # noqa: S608 - composed of constants; values are bound

# Subtracts everything that tracer/store/writing/count_spans.py counted for the spans of a trace.
SUBTRACT_TRACE = """
    INSERT INTO mapping_counts (project_id, measure, value, number)
    SELECT s.project_id, m.measure, m.value, -count(*)
    FROM spans s
    LEFT JOIN span_payloads p USING (project_id, trace_id, span_id)
    CROSS JOIN LATERAL (
        SELECT 'dialect', coalesce(p.dialect, '')
        UNION ALL SELECT 'generation', 'without model'
            WHERE s.kind = 'generation' AND coalesce(s.model, '') = ''
        UNION ALL SELECT 'generation', 'without tokens'
            WHERE s.kind = 'generation' AND p.usage IS NULL AND s.end_time IS NOT NULL
        UNION ALL SELECT 'unpriced', coalesce(s.model, '')
            WHERE p.usage IS NOT NULL AND p.cost IS NULL
        UNION ALL SELECT 'flag', flag FROM unnest(s.flags) flag
    ) m (measure, value)
    WHERE s.project_id = %s AND s.trace_id = %s AND NOT s.placeholder
    GROUP BY s.project_id, m.measure, m.value
"""

# Not by containment (@>): a span of another trace may have this trace's id as its id.
_NAMES_TRACE = """project_id = %(project_id)s AND EXISTS (
        SELECT FROM jsonb_array_elements(examples) example WHERE example ->> 0 = %(trace_id)s
    )"""
HAS_EXAMPLES = f"SELECT EXISTS (SELECT FROM mapping_counts WHERE {_NAMES_TRACE})"  # noqa: S608 - composed of constants; values are bound
REMOVE_EXAMPLES = f"""
    UPDATE mapping_counts SET examples = (
        SELECT coalesce(jsonb_agg(example ORDER BY position), '[]')
        FROM jsonb_array_elements(examples) WITH ORDINALITY e (example, position)
        WHERE example ->> 0 <> %(trace_id)s
    ) WHERE {_NAMES_TRACE}
"""  # noqa: S608 - composed of constants; values are bound
