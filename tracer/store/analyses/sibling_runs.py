"""Long runs of like siblings: as the worker stored them, or of a small trace as it is read."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tracer.analysis.inputs import AnalysisInputs
from tracer.analysis.sibling_groups import SiblingGroup, find_sibling_groups
from tracer.store.analyses.forests import read_small
from tracer.store.analyses.stored import read_derived
from tracer.store.schema import runs


def read_runs(project_id: str, trace_id: str, first_ids: Sequence[str]) -> dict[str, SiblingGroup]:
    """Return those of the long runs that begin with these spans, by the span.

    A run is missing, too, while its trace is still being counted.
    """
    if not first_ids:
        return {}
    stored = read_derived(project_id, trace_id, runs, ("facts",), first_ids)
    if stored is None:
        return _find(project_id, trace_id, first_ids)
    return {span_id: msgspec.convert(facts, SiblingGroup) for span_id, facts in stored.rows}


def _find(project_id: str, trace_id: str, first_ids: Sequence[str]) -> dict[str, SiblingGroup]:
    forest = read_small(project_id, trace_id)
    if forest is None:
        return {}
    wanted = set(first_ids)
    found = find_sibling_groups(AnalysisInputs(forest))
    return {run.first_id: run for run in found if run.first_id in wanted}
