"""Results of a dataset run: per item the trace with its status, latency, cost and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.records import Json

MAX_RESULTS: Final = 1_000
"""Number of results of a run that pages show."""

_RESULTS: Final = sa.text("""
    SELECT r.run_item_id, r.item_id, r.linked_trace_id AS trace_id, r.linked_span_id AS span_id,
        coalesce(r.dataset_version, r.created_at) AS item_time, p.root_span_id,
        coalesce(s.status, t.status) AS status,
        coalesce(s.status_message, p.error_message) AS error,
        CASE WHEN s.span_id IS NULL THEN t.end_time - t.start_time
            ELSE s.end_time - s.start_time END AS latency,
        CASE WHEN k.below_root THEN s.total_tokens ELSE t.total_tokens END AS tokens,
        CASE WHEN k.below_root THEN s.total_cost ELSE t.total_cost END AS cost, p.output_preview
    FROM dataset_run_items r
    LEFT JOIN traces t ON t.project_id = r.project_id AND t.trace_id = r.linked_trace_id
    LEFT JOIN trace_payloads p ON p.project_id = t.project_id AND p.trace_id = t.trace_id
    LEFT JOIN spans s ON s.project_id = r.project_id AND s.trace_id = r.linked_trace_id
        AND s.span_id = r.linked_span_id AND NOT s.placeholder
    CROSS JOIN LATERAL (
        -- A result that is the root span has the sums of its trace.
        SELECT s.span_id IS NOT NULL AND s.span_id IS DISTINCT FROM p.root_span_id AS below_root
    ) k
    WHERE r.project_id = :project_id AND r.run_id = :run_id
    ORDER BY r.created_at, r.run_item_id LIMIT :max_rows
""")
_SCORES: Final = sa.text("""
    SELECT trace_id, span_id, name, data_type, value, string_value FROM scores
    WHERE project_id = :project_id AND trace_id = ANY(:trace_ids) ORDER BY time, score_id
""")
# The state of an item at the time of the run; the newest one where it was added later.
_ITEMS: Final = sa.text("""
    SELECT run_item.key, i.input, i.expected_output
    FROM unnest(CAST(:keys AS text[]), CAST(:item_ids AS text[]), CAST(:times AS timestamptz[]))
        AS run_item (key, item_id, time)
    CROSS JOIN LATERAL (
        SELECT input, expected_output FROM dataset_items
        WHERE project_id = :project_id AND item_id = run_item.item_id
        ORDER BY valid_from <= run_item.time DESC, valid_from DESC LIMIT 1
    ) i
""")


@dataclass(frozen=True, slots=True)
class ResultScore:
    """A score of a result; `value` None: the score is the `text`."""

    value: float | None
    text: str | None
    is_boolean: bool


@dataclass(slots=True)
class ItemResult:
    """The result that a run produced for an item."""

    run_item_id: str
    item_id: str
    trace_id: str
    span_id: str | None
    item_time: datetime
    root_span_id: str | None
    status: str | None
    """None: the trace is not stored (any more)."""
    error: str | None
    latency: timedelta | None
    tokens: int | None
    cost: Decimal | None
    output_preview: str | None
    """The beginning of the trace's output, also for a result that is a span of it."""
    scores: dict[str, ResultScore] = field(default_factory=dict)
    """By name; the latest one of a name."""

    @property
    def failed(self) -> bool:
        """Whether the trace, or the span, failed."""
        return self.status == "error"

    @property
    def is_span(self) -> bool:
        """Whether the result is a span below the root of its trace."""
        return self.span_id is not None and self.span_id != self.root_span_id


@dataclass(frozen=True, slots=True)
class ItemValues:
    """Input and expected output of an item at the time of the run."""

    input: Json
    expected_output: Json


def list_results(project_id: str, run_id: str) -> list[ItemResult]:
    """Return the results of a run with their scores, the oldest first, at most `MAX_RESULTS`."""
    values = {"project_id": project_id, "run_id": run_id, "max_rows": MAX_RESULTS}
    results = [ItemResult(*row) for row in db.session.execute(_RESULTS, values)]
    trace_ids = list({result.trace_id for result in results})
    by_trace: dict[str, list[sa.Row[tuple[object, ...]]]] = {}
    for row in db.session.execute(_SCORES, {"project_id": project_id, "trace_ids": trace_ids}):
        by_trace.setdefault(row.trace_id, []).append(row)
    for result in results:
        for row in by_trace.get(result.trace_id, ()):
            if row.span_id in (None, result.span_id, result.root_span_id):
                boolean = row.data_type == "boolean"
                result.scores[row.name] = ResultScore(row.value, row.string_value, boolean)
    return results


def item_values(project_id: str, results: Sequence[ItemResult]) -> dict[str, ItemValues]:
    """Return the items of results by the id of the run item; deleted ones are left out."""
    values = {
        "project_id": project_id,
        "keys": [result.run_item_id for result in results],
        "item_ids": [result.item_id for result in results],
        "times": [result.item_time for result in results],
    }
    rows = db.session.execute(_ITEMS, values)
    return {row.key: ItemValues(row.input, row.expected_output) for row in rows}
