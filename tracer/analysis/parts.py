"""What is told of a trace as a whole: each part made of its forest in one pass, stored by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from tracer.analysis.activity import of_forest
from tracer.analysis.headline import headline
from tracer.analysis.statistics import statistics
from tracer.analysis.whole import Whole

PARTS: Final[dict[str, Callable[[Whole], Any]]] = {
    "headline": headline,
    "statistics": statistics,
    "outline": lambda whole: msgspec.to_builtins(of_forest(whole.forest)),
}
"""Name -> what makes the part, as JSON. Of a large trace the worker stores all of them with the
sums of its subtrees (tracer/store/analyses/compute.py); of a small one each is made when it is
asked for (tracer/store/analyses/forests.py)."""
