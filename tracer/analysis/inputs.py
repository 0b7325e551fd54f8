"""The inputs of trace analyses: the forest, and results that several analyses share."""

from __future__ import annotations

from array import array
from functools import cached_property

from tracer.analysis.critical_path import CriticalPath
from tracer.analysis.forest import Forest
from tracer.analysis.subtree import Subtrees, self_times


class AnalysisInputs:
    """A forest and its shared results, each computed on first use and indexed by position."""

    def __init__(self, forest: Forest) -> None:
        self.forest = forest

    @cached_property
    def subtree_sums(self) -> Subtrees:
        """The totals of every subtree."""
        return Subtrees(self.forest)

    @cached_property
    def self_times(self) -> array[int]:
        """Time in which none of a span's children ran (µs)."""
        return self_times(self.forest)

    @cached_property
    def critical_path(self) -> CriticalPath:
        """The time of each span on the critical path."""
        return CriticalPath(self.forest)
