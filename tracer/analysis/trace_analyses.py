"""The analyses of a whole trace by name, each one pass over its forest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from tracer.analysis.activity import profile_of_forest
from tracer.analysis.inputs import AnalysisInputs
from tracer.analysis.statistics import statistics
from tracer.analysis.time_breakdown import time_breakdown

TRACE_ANALYSES: Final[dict[str, Callable[[AnalysisInputs], Any]]] = {
    "headline": time_breakdown,
    "statistics": statistics,
    "outline": lambda inputs: msgspec.to_builtins(profile_of_forest(inputs.forest)),
}
"""Name -> function that returns the result, encodable as JSON. The worker stores all results of a
large trace beside its subtree sums (tracer/store/analyses/compute.py); results of a small trace
are computed when they are read (tracer/store/analyses/forests.py)."""
