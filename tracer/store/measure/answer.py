"""Answers questions: from rollups if possible, else by a scan, else from a sample."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Literal

from tracer.errors import TooSlow
from tracer.measure.answer import Answer, Row
from tracer.measure.buckets import Frame, frame_of
from tracer.measure.fields import query_grain
from tracer.measure.links import base_query, rest_query
from tracer.measure.question import ADDITIVE, Question
from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.store.database.estimates import Estimate, estimate, estimated_rows
from tracer.store.database.session import within
from tracer.store.measure.assemble import bins_of, remaining_cells, row_of, rows_of
from tracer.store.measure.cells import Scan, Scanned
from tracer.store.measure.distinct import STANDARD_ERROR
from tracer.store.measure.plan import Plan, plan_of
from tracer.store.measure.rollup import exceeds, has_more_rollups, rollups_ready
from tracer.store.measure.scan import read, rows_statement, single_valued
from tracer.store.measure.score_hours import needs_hours_alone, needs_scores_alone
from tracer.store.scores.joined_traces import scores_filled
from tracer.store.traces.histogram import time_bounds

SECONDS: Final = 3
"""How long a scan may take, and then the scan of a sample."""
MAX_EXACT: Final = 20_000
"""The number of users up to which those of a range are counted exactly."""
MAX_COUNTED: Final = 100_000
"""The number of rows up to which a scan counts distinct values exactly."""
MAX_COST: Final = 100_000
"""The planner's cost up to which a scan is tried; about that of 1.6 million spans."""
KEYED_COST: Final = 8
"""By how much a scan is dearer than the planner expects where it reads a key of JSON."""
MAX_HISTOGRAMS: Final = 15_000
"""The number of histograms of rollups up to which they are merged for an answer."""
SAMPLE_ROWS: Final = 20_000
"""The number of rows of the question that a sample has."""
SAMPLE_SPANS: Final = 7_000
"""The same for spans, of which a block of the table has fewer and a project more."""


def answer(
    project_id: str,
    question: Question,
    clock: Clock | None = None,
    *,
    previous_by_interval: bool = True,
) -> Answer:
    """Return the answer; ``clock``: what times are relative to, by default now in UTC.

    ``previous_by_interval``: False leaves the intervals of the previous period out.
    Raises Invalid (range of time), QueryError, TooSlow: the sample takes too long as well.
    """
    began = time.perf_counter()
    clock = clock or Clock(datetime.now(UTC))
    frame = frame_of(question.period, question.buckets, clock, _first(project_id, question))
    alone = needs_scores_alone(question) and scores_filled(project_id)
    by_hour = alone and needs_hours_alone(question, frame)
    scan = Scan(project_id, question, frame, clock, scores_alone=alone, score_hours=by_hour)
    plan = _plan(scan)
    if plan is not None and (not rollups_ready() or _merges_too_many(scan, plan)):
        plan = None
    if plan is None and question.counted is not None:
        scan = replace(scan, estimates=estimated_rows(rows_statement(scan)) > MAX_COUNTED)
    scanned, scan = _read(scan, plan)
    of_sums = scan.share == 1 and (plan is not None or scan.score_hours)
    source: Literal["rollup", "scan"] = "rollup" if of_sums else "scan"
    result = Answer(question, frame, source=source, estimated=scan.share < 1)
    if scan.estimates or (plan is not None and plan.estimates):
        result.standard_error = STANDARD_ERROR
    if question.shape != "values":
        result.bins = bins_of(question, frame, scanned.cells)
    else:
        result.rows = rows_of(question, frame, clock.now, scanned.cells)
        result.rest = _rest(scan, scanned, result.rows)
        if question.previous:
            _add_previous(scan, result, by_interval=previous_by_interval)
    result.milliseconds = (time.perf_counter() - began) * 1000
    return result


def _first(project_id: str, question: Question) -> datetime | None:
    if question.since is not None:
        return None
    bounds = time_bounds(project_id)
    return bounds[0] if bounds else None


def _plan(scan: Scan) -> Plan | None:
    """Return how rollups answer the question; many distinct values are estimated."""
    plan = plan_of(scan)
    if plan is None or scan.question.counted is None:
        return plan
    return replace(plan, estimates=exceeds(scan.project_id, plan.counts, MAX_EXACT))


def _merges_too_many(scan: Scan, plan: Plan) -> bool:
    """Return whether the histograms are so many that a scan or a sample is faster."""
    return scan.question.by_key and has_more_rollups(scan, plan, MAX_HISTOGRAMS)


def _read(scan: Scan, plan: Plan | None) -> tuple[Scanned, Scan]:
    """Return the cells, and the scan that gave them: this one, or that of a sample."""
    # Numbers of distinct values don't grow with the sample, and users are sums of all traces.
    exact = scan.question.grain == "users" or scan.question.counted is not None
    expected = estimate(rows_statement(scan))
    if exact or plan is not None or scan.scores_alone or _cost(scan, expected) <= MAX_COST:
        try:
            with within(SECONDS):
                return read(scan, plan), scan
        except TooSlow:
            if exact:
                raise
    wanted = SAMPLE_SPANS if query_grain(scan.question.grain) is Grain.SPAN else SAMPLE_ROWS
    share = max(0.000_01, min(0.5, wanted / max(expected.rows, 1)))
    sampled = replace(scan, share=share, scores_alone=False, score_hours=False)
    with within(SECONDS):
        return _scaled(read(sampled), share), sampled


def _cost(scan: Scan, expected: Estimate) -> float:
    question = scan.question
    read = (*question.groups, question.measured, question.divisor)
    keyed = any(reference is not None and reference.key is not None for reference in read)
    return expected.cost * (KEYED_COST if keyed else 1)


def _scaled(scanned: Scanned, share: float) -> Scanned:
    return Scanned(*([cell.scaled(1 / share) for cell in cells] for cells in scanned))


def _rest(scan: Scan, scanned: Scanned, rows: list[Row]) -> Row | None:
    question = scan.question
    if len(question.group_by) != 1 or question.measure not in ADDITIVE or not single_valued(scan):
        return None
    cells = remaining_cells(scanned.everything, scanned.cells)
    if not cells:
        return None
    query = rest_query(question, base_query(question), [row.groups[0] for row in rows])
    return row_of(question, scan.frame, scan.clock.now, (), cells, query)


def _add_previous(scan: Scan, result: Answer, *, by_interval: bool) -> None:
    """Add the values of the previous period to the rows."""
    question, frame = scan.question, scan.frame.previous
    if not by_interval:
        frame = Frame(frame.since, frame.until)
    by_hour = scan.score_hours and needs_hours_alone(question, frame)
    scan = replace(scan, frame=frame, score_hours=by_hour)
    groups = list(dict.fromkeys(row.groups for row in result.rows))
    if not groups:
        return
    if question.group_by:
        scan = replace(scan, groups=groups)
    plan = _plan(scan) if result.source == "rollup" else None
    with within(SECONDS):
        scanned = read(scan, plan)
    if scan.share < 1:
        scanned = _scaled(scanned, scan.share)
    previous = rows_of(question, frame, frame.until, scanned.cells)
    by_group = {(row.groups, row.percent): row for row in previous}
    for row in result.rows:
        other = by_group.get((row.groups, row.percent))
        row.previous = other.value if other else _value_without_rows(question)
        row.previous_values = (
            other.values if other else [_value_without_rows(question)] * len(frame.starts)
        )


def _value_without_rows(question: Question) -> int | None:
    return 0 if question.measure in ("count", "rate", "distinct") else None
