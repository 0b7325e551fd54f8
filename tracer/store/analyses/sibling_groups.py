"""Reads long groups of similar siblings: stored for a large trace, computed for a small one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tracer.analysis.inputs import AnalysisInputs
from tracer.analysis.sibling_groups import SiblingGroup, find_sibling_groups
from tracer.store.analyses.forests import read_small
from tracer.store.analyses.stored import read_stored
from tracer.store.schema import sibling_groups


def read_sibling_groups(
    project_id: str, trace_id: str, first_ids: Sequence[str]
) -> dict[str, SiblingGroup]:
    """Return the groups that begin with these spans, by the id of the first span.

    Empty while a large trace is not analysed yet.
    """
    if not first_ids:
        return {}
    stored = read_stored(project_id, trace_id, sibling_groups, ("facts",), first_ids)
    if stored is None:
        return _compute(project_id, trace_id, first_ids)
    return {span_id: msgspec.convert(facts, SiblingGroup) for span_id, facts in stored.rows}


def _compute(project_id: str, trace_id: str, first_ids: Sequence[str]) -> dict[str, SiblingGroup]:
    forest = read_small(project_id, trace_id)
    if forest is None:
        return {}
    wanted = set(first_ids)
    groups = find_sibling_groups(AnalysisInputs(forest))
    return {group.first_id: group for group in groups if group.first_id in wanted}
