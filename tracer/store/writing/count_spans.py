"""Counts spans per project by dialect and by gaps of the attribute mapping, with examples."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg

from tracer import exact_json
from tracer.merging.arrivals import Change
from tracer.merging.spans import Span
from tracer.store.counters.fold_sql import EXAMPLES
from tracer.store.database.keys import TraceKey

Measure = tuple[str, str]
"""(measure, value), for example ("dialect", "openinference") or ("flag", "truncated")."""

_ADD = """
    INSERT INTO mapping_counts (project_id, measure, value, number, examples)
    SELECT * FROM json_to_recordset(%s::json)
        AS r (project_id text, measure text, value text, number bigint, examples jsonb)
"""


class _Counter(msgspec.Struct):
    number: int = 0
    examples: list[tuple[str, str]] = []


def measures(span: Span) -> list[Measure]:
    """Return the counters that include this span."""
    if span.placeholder:
        return []
    record = span.record
    counted = [("dialect", record.dialect or "")]
    if record.kind == "generation":
        if not record.model:
            counted.append(("generation", "without model"))
        if not record.usage and record.end_time is not None:
            counted.append(("generation", "without tokens"))
    if record.usage and not record.cost:
        counted.append(("unpriced", record.model or ""))
    for flag in record.flags:
        counted.append(("flag", flag))
    return counted


def count(connection: psycopg.Connection[Any], changes: dict[TraceKey, Change]) -> None:
    """Count the spans that change, as part of their transaction."""
    counters: dict[str, dict[Measure, _Counter]] = {}
    for (project_id, trace_id), change in changes.items():
        _add(counters.setdefault(project_id, {}), trace_id, change)
    rows = [
        {
            "project_id": project_id,
            "measure": measure,
            "value": value,
            "number": counter.number,
            "examples": counter.examples,
        }
        for project_id, its in counters.items()
        for (measure, value), counter in its.items()
        if counter.number
    ]
    if rows:
        connection.execute(_ADD, [exact_json.encode(rows).decode()])


def _add(counters: dict[Measure, _Counter], trace_id: str, change: Change) -> None:
    for span_id, span in change.after.items():
        for measure in measures(span):
            counter = counters.get(measure)
            if counter is None:
                counter = counters[measure] = _Counter()
            counter.number += 1
            if len(counter.examples) < EXAMPLES:
                counter.examples.append((trace_id, span_id))
        old = change.before.get(span_id)
        for measure in measures(old) if old is not None else ():
            counters.setdefault(measure, _Counter()).number -= 1
