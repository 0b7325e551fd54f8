"""The time breakdown of a trace: its critical path, split by family of span kinds."""

from __future__ import annotations

import msgspec

from tracer.analysis.families import FAMILIES, FAMILY_OF_KIND
from tracer.analysis.forest import Forest
from tracer.analysis.inputs import AnalysisInputs


class Portion(msgspec.Struct, kw_only=True):
    """The time of one family on the critical path."""

    family: str
    time: int
    """µs."""
    calls: int
    """Spans of the family in the trace."""
    in_sequence: int
    """Spans of the family on the critical path."""


class TimeBreakdown(msgspec.Struct, kw_only=True):
    """The time from the first root's start to the last root's end, and its breakdown; µs."""

    time: int
    shares: list[Portion]
    """The families with time on the critical path, in the order of `FAMILIES`."""
    gaps: int
    """Time outside all recorded work; with the shares it adds up to ``time``."""
    running: bool
    """True: some span has not ended, so the times still grow."""
    partial: bool
    """True: the parent of some span has not arrived."""


def time_breakdown(inputs: AnalysisInputs) -> TimeBreakdown:
    """Return the time breakdown of a trace."""
    forest, path = inputs.forest, inputs.critical_path
    portions = {name: Portion(family=name, time=0, calls=0, in_sequence=0) for name in FAMILIES}
    gaps = path.idle
    for position, own in enumerate(path.own):
        family = _family(forest, position)
        if family is None:
            gaps += own
            continue
        portion = portions[family]
        portion.time += own
        portion.calls += 1
        portion.in_sequence += own > 0
    return TimeBreakdown(
        time=gaps + sum(portion.time for portion in portions.values()),
        shares=[portion for portion in portions.values() if portion.time],
        gaps=gaps,
        running=any(forest.running),
        partial=any(forest.placeholders),
    )


def _family(forest: Forest, position: int) -> str | None:
    """Return the family of a span's own time; None: a gap, in which no work was recorded."""
    if forest.placeholders[position]:
        return None
    family = FAMILY_OF_KIND.get(forest.kinds[position])
    # The own time of an agent or chain lies between its children, where nothing was recorded.
    return family or ("other" if forest.sizes[position] == 1 else None)
