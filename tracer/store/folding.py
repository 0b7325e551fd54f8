"""Adding up the rows of `tallies` that transactions leave: SQL alone, for the lean worker."""

from __future__ import annotations

EXAMPLES = 5
"""Spans that are kept as examples of one count."""

# Rows that a transaction adds meanwhile are not seen, and so wait for the next time.
FOLD_TALLIES = f"""
    WITH gone AS (
        DELETE FROM tallies t USING (
            SELECT project_id, measure, value FROM tallies GROUP BY 1, 2, 3 HAVING count(*) > 1
        ) many
        WHERE t.project_id = many.project_id AND t.measure = many.measure AND t.value = many.value
        RETURNING t.*
    )
    INSERT INTO tallies (project_id, measure, value, number, examples, counted_at)
    SELECT g.project_id, g.measure, g.value, sum(g.number), (
        SELECT coalesce(jsonb_agg(e.example ORDER BY e.counted_at DESC), '[]') FROM (
            SELECT example, h.counted_at FROM gone h, jsonb_array_elements(h.examples) example
            WHERE h.project_id = g.project_id AND h.measure = g.measure AND h.value = g.value
            ORDER BY h.counted_at DESC LIMIT {EXAMPLES}
        ) e
    ), max(g.counted_at)
    FROM gone g GROUP BY g.project_id, g.measure, g.value
"""
