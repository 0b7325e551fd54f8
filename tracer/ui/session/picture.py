"""The small picture of a trace: model calls above, tools in the middle, other work below."""

from __future__ import annotations

from typing import Final

from tracer.analysis.activity import BUCKETS
from tracer.analysis.families import FAMILY_OF_KIND
from tracer.store.analyses.activities import TraceActivity
from tracer.ui.waterfall.minimap import Block, activity_blocks

_LANES: Final = {"model": 0, "tools": 8}
_LOWEST: Final = 16
_HEIGHT: Final = 6
_MIN_WIDTH: Final = 2.0


def picture(activity: TraceActivity) -> list[Block]:
    """Return the bars of a trace as boxes in units of the minimap, or its activity if many."""
    if activity.profile is not None:
        return list(activity_blocks(activity.profile))
    length = max(activity.end - activity.start, 1)
    blocks = []
    for bar in activity.bars:
        x = (bar.start - activity.start) / length * BUCKETS
        width = max((bar.end - bar.start) / length * BUCKETS, _MIN_WIDTH)
        y = _LANES.get(FAMILY_OF_KIND.get(bar.kind, ""), _LOWEST)
        css = "err" if bar.failed else f"k-{bar.kind}"
        blocks.append(Block(round(min(x, BUCKETS - width), 1), round(width, 1), y, _HEIGHT, css))
    return blocks
