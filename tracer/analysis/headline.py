"""Where the time of a trace went: the critical path by family of work, adding up to the whole."""

from __future__ import annotations

from typing import Final

import msgspec

from tracer.analysis.forest import Forest
from tracer.analysis.whole import Whole

FAMILY: Final = {
    "generation": "model",
    "tool": "tools",
    "function": "tools",
    "retriever": "retrieval",
    "embedding": "retrieval",
    "reranker": "retrieval",
    "database": "retrieval",
}
"""Kind -> family; every other kind is ``other`` work, or where it has children only frames it."""
FAMILIES: Final = ("model", "tools", "retrieval", "other")


class Share(msgspec.Struct, kw_only=True):
    """What one family has of the critical path."""

    family: str
    time: int
    """µs."""
    calls: int
    """Spans of the family in the trace."""
    in_sequence: int
    """Those of them that the trace waited for."""


class Headline(msgspec.Struct, kw_only=True):
    """The time from the first root's start to the last root's end, and where it went; µs."""

    time: int
    shares: list[Share]
    """The families that have any, in the order of `FAMILIES`."""
    gaps: int
    """Time that no recorded work accounts for; with the shares it adds up to ``time``."""
    running: bool
    """True: some span has not ended, so all of this still grows."""
    partial: bool
    """True: a span that others name as their parent has not arrived."""


def headline(whole: Whole) -> Headline:
    """Return where the time of a trace went."""
    forest, path = whole.forest, whole.path
    shares = {name: Share(family=name, time=0, calls=0, in_sequence=0) for name in FAMILIES}
    gaps = path.idle
    for at, own in enumerate(path.own):
        family = _family(forest, at)
        if family is None:
            gaps += own
            continue
        share = shares[family]
        share.time += own
        share.calls += 1
        share.in_sequence += own > 0
    return Headline(
        time=gaps + sum(share.time for share in shares.values()),
        shares=[share for share in shares.values() if share.time],
        gaps=gaps,
        running=any(forest.running),
        partial=any(forest.placeholders),
    )


def _family(forest: Forest, at: int) -> str | None:
    """Return what a span's own time is spent on; None: nobody knows, it frames what is below."""
    if forest.placeholders[at]:
        return None
    family = FAMILY.get(forest.kinds[at])
    # An agent's or a chain's own time lies between its steps: there nothing was recorded.
    return family or ("other" if forest.sizes[at] == 1 else None)
